/// <reference lib="dom" />
import type { PictureRow } from '../report-page.js';
import { createElement } from './create-element.js';

/** Pictures beside each other, below each other where there is no room, with one legend for all. */
export function pictureRow({ pictures, legend }: PictureRow): HTMLElement {
  const figures = pictures.map(({ title, note, png, alt }) => {
    const parts = [createElement('h3', '', title)];
    if (png !== undefined) {
      const image = createElement('img');
      image.src = `data:image/png;base64,${png}`;
      image.alt = alt;
      parts.push(image);
    }
    if (note !== undefined) parts.push(createElement('p', 'note', note));
    return createElement('figure', '', parts);
  });
  const entries = legend.map(({ label, color }) => {
    const swatch = createElement('span', 'swatch');
    swatch.style.setProperty('--series', color);
    return createElement('span', '', [swatch, createElement('span', '', label)]);
  });
  return createElement('div', 'picture-row', [
    createElement('div', 'pictures', figures),
    createElement('div', 'picture-legend', entries),
  ]);
}
