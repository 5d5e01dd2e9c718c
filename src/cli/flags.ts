/** One flag of a command. Its long name is its key in {@link FlagSpecs}. */
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

/** `--flag text`; the last occurrence wins. */
export interface TextFlag extends FlagBasics {
  readonly type: "string";
  readonly default?: string;
  /** The value's name in help. Default: `string`. */
  readonly valueName?: string;
}

/** `--flag 1.5g`, a number in a custom notation; the last occurrence wins. */
export interface NumberFlag extends FlagBasics {
  readonly type: "number";
  readonly valueName: string;
  /** Parses the value. @throws {UsageError} whose message is only the reason */
  read(text: string): number;
}

/** `--flag -3`, an integer; the last occurrence wins. */
export interface IntFlag extends FlagBasics {
  readonly type: "int";
  readonly default?: number;
}

/** `--flag a --flag b`; all occurrences are collected in order. */
export interface ListFlag extends FlagBasics {
  readonly type: "list";
  /** The value's name in help. Default: `list`. */
  readonly valueName?: string;
  /** Validates a value and returns its normalized form. @throws {UsageError} whose message is only the reason */
  check?(text: string): string;
}

/** A Docker flag that is not supported (yet). It is refused as unsupported instead of as unknown; `help` is the reason. */
export interface RefusedFlag extends FlagBasics {
  readonly type: "refused";
  readonly hidden: true;
  /** Whether the flag takes a value. */
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

/** The parsed values of flags: `flags["cap-add"]` is a list, `flags.name` is a string or undefined. */
export type FlagValues<F extends FlagSpecs> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** Returns whether a flag takes a value. */
export const takesValue = (spec: FlagSpec): boolean => spec.type === "refused" ? spec.takesValue : spec.type !== "bool";
