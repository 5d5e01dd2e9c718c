/** What a scenario is made of: command lines as data, and what is compared of each. */

/** Commands that follow each other on an engine without containers. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly (string | Step)[];
  /** It pulls, removes or tags images: before it only busybox is there, and all images go after it. */
  readonly images?: true;
  /** It makes volumes: all go after it. */
  readonly volumes?: true;
  /** It makes networks: all but the engine's own go after it. */
  readonly networks?: true;
}

/** One command. A string is the step that has only this line. */
export interface Step {
  /**
   * The words after `docker` or `tsd`. Blanks part them, but for those in '…' or "…". `@{name}` stands for what a step
   * before kept, `@{name:12}` for its first 12 characters; see variables.ts for those that are always there.
   */
  readonly line: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard output, without the newline at its end, is kept under this name. */
  readonly keep?: string;
  /** Something that is not compared, with the reason. */
  readonly hides?: Partial<Record<"stdout" | "stderr" | "code", string>>;
  /** The lines of standard output come in no fixed order. */
  readonly unordered?: true;
  /** Standard output is JSON of which names and kinds are compared; more of them are fine, since newer engines say more. */
  readonly shape?: true;
  /** Where today's Docker (28) says something else than dockerd 20.10, and tsd does as today's. */
  readonly today?: readonly Difference[];
  /** Where tsd's engine says something else on purpose. */
  readonly managed?: readonly Difference[];
  /** Where tsd's own client says something else on purpose. */
  readonly tsd?: readonly Difference[];
  /** The step isn't played with tsd's client, for this reason. */
  readonly notForTsd?: string;
}

/** A text of the recording, what stands there instead (`<id 1>` and the like as in golden files), and why. */
export interface Difference {
  /** It has to be there, else the recording and the scenario don't fit each other. */
  readonly says: string | RegExp;
  readonly now: string;
  readonly why: string;
}

export const stepOf = (step: string | Step): Step => typeof step === "string" ? { line: step } : step;

/** The words of a command line, as a shell would part them. @throws Error for a quote that has no end */
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
