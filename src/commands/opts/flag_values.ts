/**
 * Parses values of flags in the docker CLI's notations, with its error messages. The flag parser adds the flag's name to
 * them.
 */
import { UsageError } from "../../cli/mod.ts";

const invalid = (why: string) => new UsageError(why);
const INT64_MAX = 2n ** 63n - 1n;
const UNITS = "kmgtp";

/**
 * Parses a size in bytes with units of 1024: `1.5g`, `64MiB`, `100` (github.com/docker/go-units, RAMInBytes).
 * @throws {UsageError}
 */
export function readBytes(text: string): number {
  const found = /^(.*[0-9. ])([^0-9. ]*)$/s.exec(text);
  if (found === null) throw invalid(`invalid size: '${text}'`);
  const [, head, suffix] = found;
  const amount = head.endsWith(" ") ? head.slice(0, -1) : head;
  const size = readFloat(amount);
  if (size < 0) throw invalid(`invalid size: '${text}'`);
  const unit = suffix.toLowerCase();
  if (!/^(?:b|[kmgtp](?:i?b)?)?$/.test(unit)) throw invalid(`invalid suffix: '${unit}'`);
  const power = UNITS.indexOf(unit.slice(0, 1) || "b") + 1;
  const sizeBytes = Math.floor(size * 1024 ** power);
  if (!Number.isSafeInteger(sizeBytes)) throw invalid(`invalid size: '${text}'`);
  return sizeBytes;
}

/** As {@link readBytes}, with -1 for no limit. @throws {UsageError} */
export const readSwapBytes = (text: string): number => text === "-1" ? -1 : readBytes(text);

/** Parses a number of CPUs (`1.5`, `1/2`) to billionths of a CPU. @throws {UsageError} */
export function readCpus(text: string): number {
  const found = /^([+-]?\d*\.?\d*)(?:e([+-]?\d{1,2}))?(?:\/(\d+))?$/i.exec(text);
  const digits = found?.[1] ?? "";
  if (!/\d/.test(digits) || Number(found?.[3] ?? "1") === 0) {
    throw invalid(`failed to parse ${text} as a rational number`);
  }
  const [, , exponent = "0", divisor = "1"] = found!;
  const [whole, fraction = ""] = digits.split(".");
  const power = 9 + Number(exponent) - fraction.length;
  const scaled = BigInt(whole + fraction || "0") * 10n ** BigInt(Math.max(power, 0));
  const divided = BigInt(divisor) * 10n ** BigInt(Math.max(-power, 0));
  if (scaled % divided !== 0n) throw invalid("value is too precise");
  return Number(scaled / divided);
}

/** Parses an unsigned 16-bit integer. @throws {UsageError} with Go's messages */
export function readUint16(text: string): number {
  const value = readUint(text);
  if (value > 0xffff) throw outOfRange("ParseUint", text);
  return value;
}

/** Parses an unsigned integer. @throws {UsageError} with Go's messages */
export function readUint(text: string): number {
  if (!/^\d+$/.test(text)) throw noNumber("ParseUint", text);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw outOfRange("ParseUint", text);
  return value;
}

/** Parses a signed integer. @throws {UsageError} with Go's messages */
export function readInt(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw noNumber("ParseInt", text);
  const value = BigInt(text);
  if (value > INT64_MAX || value < -INT64_MAX || !Number.isSafeInteger(Number(value))) {
    throw outOfRange("ParseInt", text);
  }
  return Number(value);
}

/** Parses a boolean as Go's strconv.ParseBool does (`true`, `1`, `F`, …); undefined if it is invalid. */
export function readBool(text: string): boolean | undefined {
  if (["1", "t", "T", "TRUE", "true", "True"].includes(text)) return true;
  return ["0", "f", "F", "FALSE", "false", "False"].includes(text) ? false : undefined;
}

/** Splits `key=value`; without `=` the value is empty. */
export function splitPair(text: string): [key: string, value: string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

function readFloat(text: string): number {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)$/.test(text)) throw noNumber("ParseFloat", text);
  return Number(text);
}

const noNumber = (how: string, text: string) =>
  invalid(`strconv.${how}: parsing ${JSON.stringify(text)}: invalid syntax`);
const outOfRange = (how: string, text: string) =>
  invalid(`strconv.${how}: parsing ${JSON.stringify(text)}: value out of range`);
