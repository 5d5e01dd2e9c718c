/** Scenarios: command lines as data, and what is compared of each. */

/** Consecutive commands on an engine without containers. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly (string | Step)[];
  /** It pulls, removes or tags images: it begins with busybox only, and all images are removed after it. */
  readonly images?: true;
  /** It creates volumes, which are removed after it. */
  readonly volumes?: true;
  /** It creates networks; all but the predefined ones are removed after it. */
  readonly networks?: true;
}

/** One command. A string is a step with only this line. */
export interface Step {
  /**
   * The arguments of `docker` or `tsd`, separated by blanks, except in '…' or "…". `@{name}` stands for what an earlier
   * step kept, `@{name:12}` for its first 12 characters; see variables.ts for predefined ones.
   */
  readonly line: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Keeps standard output, without the final newline, under this name. */
  readonly keep?: string;
  /** What is not compared, with the reason. */
  readonly hides?: Partial<Record<"stdout" | "stderr" | "code", string>>;
  /** The lines of standard output come in no fixed order. */
  readonly unordered?: true;
  /**
   * Standard output is JSON of which names and types are compared; additional ones are allowed, as newer engines have
   * more.
   */
  readonly shape?: true;
  /** Where today's Docker (28) answers differently from dockerd 20.10, and tsd as today's. */
  readonly today?: readonly Difference[];
  /** Where tsd's engine answers differently on purpose. */
  readonly managed?: readonly Difference[];
  /** Where tsd's client prints something else on purpose. */
  readonly tsd?: readonly Difference[];
  /** The step is not played with tsd's client, for this reason. */
  readonly notForTsd?: string;
}

/** A text of the recording, its replacement (`<id 1>` and the like as in golden files), and why. */
export interface Difference {
  /** It must occur, else the recording and the scenario do not match. */
  readonly says: string | RegExp;
  readonly now: string;
  readonly why: string;
}

export const stepOf = (step: string | Step): Step => typeof step === "string" ? { line: step } : step;

/** Splits a command line into words, as a shell would. @throws Error for an unterminated quote */
export function stringsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const char of line) {
    if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (char === " ") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") throw new Error(`A quote has no end: ${line}`);
  return word === undefined ? words : [...words, word];
}
