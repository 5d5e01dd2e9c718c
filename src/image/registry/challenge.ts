/**
 * @module
 * Parses `WWW-Authenticate` (RFC 9110, section 11.6.1) as far as registries use it: `Basic realm="…"` and `Bearer
 * realm="…",service="…",scope="…"`, possibly several in one header.
 */

/** An authentication challenge. */
export interface Challenge {
  /** In lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Parameter names are in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const SPACE = /[ \t]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\[^])*)"/y;
/** Longer headers are truncated: no registry needs them. */
const MAX_HEADER_CHARS = 8192;

/** Parses the challenges of a header, up to the first syntax error. */
export function parseChallenges(header: string): Challenge[] {
  const scanner = new Scanner(header.slice(0, MAX_HEADER_CHARS));
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  while (!scanner.atEnd()) {
    scanner.skipCommas();
    const name = scanner.match(TOKEN);
    if (name === undefined) break;
    const current = challenges.at(-1);
    if (current !== undefined && scanner.take("=")) {
      const value = scanner.quoted() ?? scanner.match(TOKEN);
      if (value === undefined) break;
      current.parameters.set(name.toLowerCase(), value);
    } else {
      challenges.push({ scheme: name.toLowerCase(), parameters: new Map() });
    }
  }
  return challenges;
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  skipCommas(): void {
    do this.#run(SPACE); while (this.take(","));
  }

  take(char: string): boolean {
    this.#run(SPACE);
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    this.#run(SPACE);
    return true;
  }

  match(pattern: RegExp): string | undefined {
    return this.#run(pattern)?.[0];
  }

  quoted(): string | undefined {
    return this.#run(QUOTED)?.[1].replace(/\\([^])/g, "$1");
  }

  #run(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match;
  }
}
