/**
 * Replaces what legitimately differs between two runs of the same commands. Each rule has its reason. IDs keep their
 * identity: the first one is `<id 1>` wherever it occurs again, in full or truncated.
 */

interface Rule {
  readonly pattern: RegExp;
  readonly becomes: string;
  readonly why: string;
}

const AGE = "(?:Less than a second|About a minute|About an hour|\\d+ (?:second|minute|hour|day|week|month|year)s?)";

const RULES: readonly Rule[] = [
  {
    pattern: /\b2024-01-01(?:T| )00:00:00(?:Z| \+0000 UTC)/g,
    becomes: "<birth of the images>",
    why: "it is fixed, and must not be taken for a time of the run",
  },
  {
    pattern: /\b(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g,
    becomes: "<time>",
    why: "times of the run; how many digits there are depends on trailing zeros",
  },
  { pattern: /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} \w+/g, becomes: "<time>", why: "times of the run" },
  {
    pattern: /\b1[789]\d{8}(?:\d{9}|\.\d{1,9})?\b/g,
    becomes: "<time>",
    why: "times of the run, in seconds or nanoseconds",
  },
  { pattern: /\bexecDuration=\d+/g, becomes: "execDuration=<age>", why: "depends on how fast the machine is" },
  { pattern: new RegExp(`\\b${AGE}( ago)?`, "g"), becomes: "<age>$1", why: "depends on how fast the machine is" },
  {
    pattern: /\b\d+(?:\.\d+)?MB\b/g,
    becomes: "<size>",
    why: "busybox is this machine's own; the sizes of the other images have a fixed number of bytes",
  },
  {
    pattern: /^time="[^"]*" level=error msg="Can't [^\n]* closed pipe"\n/gm,
    becomes: "",
    why: "docker cp complains of its own pipe, or not, depending on who is quicker",
  },
  {
    pattern: /^[^\n]*: Verifying Checksum\n/gm,
    becomes: "",
    why: "dockerd tells this step of a pull only when it has the time to",
  },
  {
    pattern: /(?<=: )[0-9a-f](?=:|$)/gm,
    becomes: "<digit>",
    why: "with what two random ids begin",
  },
  {
    pattern: / {3,}/g,
    becomes: "   ",
    why: "columns are as wide as the times and sizes in them (tests/cli/format_test.ts compares them to the byte)",
  },
];

/** Normalises the output of one scenario on one engine. */
export class Normaliser {
  /** Text specific to this run → its replacement. */
  readonly #own: readonly (readonly [string, string])[];
  readonly #ids: { readonly hex: string; readonly name: string }[];

  /**
   * @param own texts specific to this run, such as directories and addresses, each with its replacement
   * @param ids IDs that have a name already
   */
  constructor(own: Readonly<Record<string, string>> = {}, ids: Readonly<Record<string, string>> = {}) {
    this.#own = Object.entries(own);
    this.#ids = Object.entries(ids).map(([hex, name]) => ({ hex, name }));
  }

  normalise(text: string): string {
    let result = text;
    for (const [value, name] of this.#own) result = result.replaceAll(value, name);
    result = result.replace(/(?<![0-9a-f])[0-9a-f]{12,64}(?![0-9a-f])/g, (hex) => this.#nameOf(hex));
    for (const { pattern, becomes } of RULES) result = result.replace(pattern, becomes);
    return result;
  }

  #nameOf(hex: string): string {
    const isWhole = hex.length === 64 || hex.length === 12;
    if (/^\d+$/.test(hex) && hex.length < 64) return hex; // a number of that length is not an ID
    const at = this.#ids.findIndex((known) => known.hex.startsWith(hex) || hex.startsWith(known.hex));
    const known = this.#ids[at];
    if (known === undefined && !isWhole) return hex;
    const name = known?.name ?? `id ${this.#ids.filter((each) => each.name.startsWith("id ")).length + 1}`;
    if (known === undefined) this.#ids.push({ hex, name });
    else if (known.hex.length < hex.length) this.#ids[at] = { hex, name };
    return hex.length === 64 ? `<${name}>` : `<${name} ${hex.length === 12 ? "short" : hex.length}>`;
  }
}
