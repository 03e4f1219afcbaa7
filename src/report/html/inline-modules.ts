import { readFileSync } from 'node:fs';

/**
 * Joins compiled modules into one script for a page that may load nothing. Each module becomes a function that is called at once and
 * returns what it exports, those it imports from before it.
 *
 * It knows the module syntax that this project uses, as the compiler writes it: named imports from relative paths, and
 * `export` before a declaration. Anything else is an error, never passed on: what works here works in the browser.
 *
 * @param entry URL of the compiled module that is run last
 * @throws Error naming the module and the statement it cannot join
 */
export function inlineModules(entry: URL): string {
  const names = new Map<string, string>();
  const parts: string[] = [];
  const add = (url: URL): string => {
    const known = names.get(url.href);
    if (known !== undefined) return known;
    const name = `module${names.size}`;
    names.set(url.href, name);
    parts.push(joinModule(url, name, add));
    return name;
  };
  add(entry);
  return parts.join('\n');
}

const IMPORT = /^import \{([^}]*)\} from '(\.[^']*)';$/gm;
const EXPORTED = /^export ((?:async )?function\*?|const|class) ([\w$]+)/gm;
const SOURCE_MAP = /^\/\/# sourceMappingURL=.*$/gm;
const FOREIGN = /^(?:import|export)\b.*$/m;

function joinModule(url: URL, name: string, add: (url: URL) => string): string {
  const exported: string[] = [];
  const body = readFileSync(url, 'utf8')
    .replaceAll('\r\n', '\n')
    .replace(SOURCE_MAP, '')
    .replace(IMPORT, (_, list: string, path: string) => {
      return `const {${list.replace(/ as /g, ': ')}} = ${add(new URL(path, url))};`;
    })
    .replace(EXPORTED, (_, keyword: string, symbol: string) => {
      exported.push(symbol);
      return `${keyword} ${symbol}`;
    });
  const foreign = FOREIGN.exec(body);
  if (foreign !== null) throw new Error(`${url.pathname}: cannot be put into a page: ${foreign[0]}`);
  return `const ${name} = (() => {\n${body.trim()}\nreturn { ${exported.join(', ')} };\n})();`;
}
