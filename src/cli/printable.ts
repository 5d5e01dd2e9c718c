// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Replaces control characters in untrusted text (from a registry, an image, an engine), so that it can't send escape
 * sequences to the terminal. Line feeds and tabs are kept.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, "\uFFFD");
}

/** As {@link printable}, with line feeds and tabs replaced by spaces: for text that must stay on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t]/g, " ");
}
