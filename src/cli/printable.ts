// deno-lint-ignore no-control-regex -- finding control characters is the purpose
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/**
 * Text from outside (a registry, an image, an engine) without the characters that would steer a terminal. Line feeds and
 * tabs stay.
 */
export function printable(text: string): string {
  return text.replace(CONTROLS, "\uFFFD");
}

/** The same for what must stay on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/[\n\t]/g, " ");
}
