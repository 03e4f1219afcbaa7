/// <reference lib="dom" />
import type { ThemeName } from '../../chart/chart-palette.js';
import { createElement } from './create-element.js';

/** Follows the system until the button is pressed. On paper always light. */
export interface PageTheme {
  readonly button: HTMLElement;
  now(): ThemeName;
}

/** @param changed called when charts must be drawn in other colours */
export function pageTheme(changed: () => void): PageTheme {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const print = matchMedia('print');
  let chosen: ThemeName | null = null;
  const onScreen = (): ThemeName => chosen ?? (system.matches ? 'dark' : 'light');
  const button = createElement('button', 'theme');
  button.type = 'button';
  const label = () => {
    button.textContent = onScreen() === 'dark' ? 'Light colours' : 'Dark colours';
  };
  button.addEventListener('click', () => {
    chosen = onScreen() === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset['theme'] = chosen;
    label();
    changed();
  });
  system.addEventListener('change', () => {
    label();
    changed();
  });
  print.addEventListener('change', changed);
  label();
  return { button, now: () => (print.matches ? 'light' : onScreen()) };
}
