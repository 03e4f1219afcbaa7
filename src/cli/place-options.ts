import type { Command } from 'commander';

/** The options that say where, as `choosePlace` takes them; `--local` is for commands that go without IPsec, too. */
export function addPlaceOptions(command: Command): Command {
  return command
    .option('--lab [name]', 'in a laboratory: one that is up, or without name one of its own')
    .option(
      '--source <host>',
      'name in the inventory, ssh://USER@HOST, or local (the default with --destination)',
    )
    .option('--destination <host>', 'name in the inventory, ssh://USER@HOST, or local')
    .option('--inventory <file>', 'who may migrate what where (default: ~/.config/tare/inventory.yaml)')
    .option('--no-inventory', 'between any hosts; recorded as such')
    .option('--device <name>', 'network device of the migration; SOURCE,DESTINATION if they differ')
    .option('--sudo', 'run everything on ssh hosts through sudo');
}
