/// <reference lib="dom" />

/**
 * An element with a class, text and children. Text goes in as text alone: this is the only way in which a report's data reaches
 * the document.
 */
export function createElement<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = '',
  content: string | readonly Node[] = '',
): HTMLElementTagNameMap[Tag] {
  const created = document.createElement(tag);
  if (className !== '') created.className = className;
  if (typeof content === 'string') created.textContent = content;
  else created.append(...content);
  return created;
}
