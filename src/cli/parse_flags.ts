/**
 * Parses command lines as Go's pflag does: `--flag value`, `--flag=value`, `-f value`, `-fvalue`, `-f=value`, bundles
 * (`-it`), `--`, and flags after arguments unless `flagsFirst` is set. Error messages are pflag's.
 */
import { type FlagSpec, type FlagSpecs, type FlagValue, takesValue } from "./flags.ts";
import { nearest } from "./suggest.ts";
import { UsageError } from "./usage_error.ts";

/** A parsed command line. */
export interface ParsedLine {
  readonly args: readonly string[];
  /** Values by long name; flags that were not given have their defaults. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** True if `--help` was given, or `-h` where no flag has that letter. Parsing stops there. */
  readonly help: boolean;
}

export interface ParseOptions {
  /** Flag parsing stops at the first argument, as in `run IMAGE ls -l`. */
  readonly flagsFirst?: boolean;
}

/** Parses the words of a command line, without the command's name. @throws {UsageError} exit code 125 */
export function parseFlags(specs: FlagSpecs, argv: readonly string[], options: ParseOptions = {}): ParsedLine {
  return new LineParser(specs, argv, options).parse();
}

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

class LineParser {
  readonly #specs: FlagSpecs;
  readonly #argv: readonly string[];
  readonly #options: ParseOptions;
  readonly #values = new Map<string, FlagValue>();
  readonly #args: string[] = [];
  #at = 0;
  #help = false;

  constructor(specs: FlagSpecs, argv: readonly string[], options: ParseOptions) {
    this.#specs = specs;
    this.#argv = argv;
    this.#options = options;
  }

  parse(): ParsedLine {
    while (this.#at < this.#argv.length && !this.#help) {
      const word = this.#argv[this.#at++];
      if (word === "--") this.#takeRest();
      else if (word.startsWith("--")) this.#long(word);
      else if (word.startsWith("-") && word !== "-") this.#bundle(word.slice(1));
      else this.#argument(word);
    }
    return { args: this.#args, flags: this.#withDefaults(), help: this.#help };
  }

  #argument(word: string): void {
    this.#args.push(word);
    if (this.#options.flagsFirst) this.#takeRest();
  }

  #takeRest(): void {
    this.#args.push(...this.#argv.slice(this.#at));
    this.#at = this.#argv.length;
  }

  #long(word: string): void {
    const equals = word.indexOf("=");
    const typed = word.slice(2, equals < 0 ? undefined : equals);
    if (typed === "" || typed.startsWith("-")) throw new UsageError(`bad flag syntax: ${word}`);
    const name = this.#longName(typed);
    if (name === undefined) {
      if (typed === "help") this.#help = true;
      else throw this.#unknown(typed);
      return;
    }
    const spec = this.#specs[name];
    if (equals >= 0) this.#set(name, spec, word.slice(equals + 1));
    else if (!takesValue(spec)) this.#set(name, spec, "true");
    else this.#set(name, spec, this.#nextWord(`--${typed}`));
  }

  #bundle(letters: string): void {
    for (let at = 0; at < letters.length && !this.#help; at++) {
      const letter = letters[at];
      const name = Object.keys(this.#specs).find((candidate) => this.#specs[candidate].short === letter);
      if (name === undefined) {
        if (letter !== "h") throw new UsageError(`unknown shorthand flag: '${letter}' in -${letters}`);
        this.#help = true;
        return;
      }
      const spec = this.#specs[name];
      const rest = letters.slice(at + 1);
      if (rest.startsWith("=")) return this.#set(name, spec, rest.slice(1));
      if (!takesValue(spec)) this.#set(name, spec, "true");
      else return this.#set(name, spec, rest !== "" ? rest : this.#nextWord(`'${letter}' in -${letters}`));
    }
  }

  #nextWord(flag: string): string {
    if (this.#at >= this.#argv.length) throw new UsageError(`flag needs an argument: ${flag}`);
    return this.#argv[this.#at++];
  }

  #longName(typed: string): string | undefined {
    if (Object.hasOwn(this.#specs, typed)) return typed;
    return Object.keys(this.#specs).find((name) => this.#specs[name].aliases?.includes(typed));
  }

  #unknown(typed: string): UsageError {
    const visible = Object.keys(this.#specs).filter((name) => !this.#specs[name].hidden);
    const near = nearest(typed, [...visible, "help"]);
    return new UsageError(`unknown flag: --${typed}`, { didYouMean: near && `--${near}` });
  }

  #set(name: string, spec: FlagSpec, text: string): void {
    const bad = (why: string) => {
      const flag = spec.short === undefined ? `--${name}` : `-${spec.short}, --${name}`;
      return new UsageError(`invalid argument ${JSON.stringify(text)} for "${flag}" flag: ${why}`);
    };
    const read = <T>(how: (text: string) => T): T => {
      try {
        return how(text);
      } catch (thrown) {
        throw thrown instanceof UsageError ? bad(thrown.message) : thrown;
      }
    };
    switch (spec.type) {
      case "bool":
        if (!TRUE.has(text) && !FALSE.has(text)) throw bad(`strconv.ParseBool: parsing "${text}": invalid syntax`);
        this.#values.set(name, TRUE.has(text));
        break;
      case "int": {
        if (!/^[+-]?\d+$/.test(text)) throw bad(`strconv.ParseInt: parsing "${text}": invalid syntax`);
        const value = Number(text);
        if (!Number.isSafeInteger(value)) throw bad(`strconv.ParseInt: parsing "${text}": value out of range`);
        this.#values.set(name, value);
        break;
      }
      case "number":
        this.#values.set(name, read(spec.read));
        break;
      case "list": {
        const { check = (given: string) => given } = spec;
        this.#values.set(name, [...((this.#values.get(name) ?? []) as readonly string[]), read(check)]);
        break;
      }
      case "string":
        this.#values.set(name, text);
        break;
      case "refused":
        throw new UsageError(`--${name} is not supported${spec.help === "" ? " yet" : `: ${spec.help}`}`);
    }
  }

  #withDefaults(): Record<string, FlagValue> {
    return Object.fromEntries(
      Object.entries(this.#specs).map(([name, spec]) => [name, this.#values.get(name) ?? defaultOf(spec)]),
    );
  }
}

function defaultOf(spec: FlagSpec): FlagValue {
  if (spec.type === "list") return [];
  if (spec.type === "number" || spec.type === "refused") return undefined;
  return spec.type === "bool" ? spec.default ?? false : spec.default;
}
