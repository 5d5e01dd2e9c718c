/** One flag of a command, as data; its long name is its key. */
export type FlagSpec = BoolFlag | TextFlag | IntFlag | NumberFlag | ListFlag | RefusedFlag;

interface FlagBasics {
  /** One letter. */
  readonly short?: string;
  /** Further long names, not shown in help. */
  readonly aliases?: readonly string[];
  readonly help: string;
  /** Not shown in help. */
  readonly hidden?: boolean;
}

/** `--flag`, `--flag=false`. */
export interface BoolFlag extends FlagBasics {
  readonly type: "bool";
  readonly default?: true;
}

/** `--flag text`, the last one counts. */
export interface TextFlag extends FlagBasics {
  readonly type: "string";
  readonly default?: string;
  /** What help calls the value; `string` if not given. */
  readonly valueName?: string;
}

/** `--flag 1.5g`, a number in a notation of its own, the last one counts. */
export interface NumberFlag extends FlagBasics {
  readonly type: "number";
  readonly valueName: string;
  /** @throws {UsageError} with what is wrong, and nothing else */
  read(text: string): number;
}

/** `--flag -3`, a whole number, the last one counts. */
export interface IntFlag extends FlagBasics {
  readonly type: "int";
  readonly default?: number;
}

/** `--flag a --flag b`, all count. */
export interface ListFlag extends FlagBasics {
  readonly type: "list";
  /** What help calls a value; `list` if not given. */
  readonly valueName?: string;
  /** The value in its proper form. @throws {UsageError} with what is wrong, and nothing else */
  check?(text: string): string;
}

/** A flag of Docker's that there isn't (yet): whoever gives it is told so instead of hearing that nobody knows it. */
export interface RefusedFlag extends FlagBasics {
  readonly type: "refused";
  readonly hidden: true;
  /** Whether a value follows it. */
  readonly takesValue: boolean;
}

/** Flags by long name. */
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** A parsed value. */
export type FlagValue = boolean | string | number | readonly string[] | undefined;

type ValueOf<S extends FlagSpec> = S extends { type: "bool" } ? boolean
  : S extends { type: "list" } ? readonly string[]
  : S extends { type: "int" } ? (S extends { default: number } ? number : number | undefined)
  : S extends { type: "number" } ? number | undefined
  : S extends { type: "refused" } ? undefined
  : (S extends { default: string } ? string : string | undefined);

/** What parsing flags of these specs gives: `flags["cap-add"]` is a list, `flags.name` is text or undefined. */
export type FlagValues<F extends FlagSpecs> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** Whether a value follows a flag. */
export const takesValue = (spec: FlagSpec): boolean => spec.type === "refused" ? spec.takesValue : spec.type !== "bool";
