/**
 * @module
 * Decodes bodies of requests by their shapes, which are beside the parsers. Errors name the field.
 */
import { TsdError } from "../../errors.ts";
import { decode, type Decoded, type Shape, type WrongType } from "../../json/decode.ts";

/** Names a decoded object in errors. */
export interface RequestPart {
  /** Its path in the body; empty if it is the body. */
  readonly path?: string;
  /** The noun before `configuration`; `container` if not given. */
  readonly what?: string;
}

/** Decodes an object of a request. @throws {TsdError} invalid_argument */
export function decodeRequest<T>(value: unknown, shape: Shape<T>, { path, what }: RequestPart = {}): Decoded<T> {
  return decode(value, shape, wrongTypeOf(what), path);
}

const wrongTypeOf = (what = "container"): WrongType => (path, must) =>
  new TsdError("invalid_argument", `Invalid ${what} configuration: ${path} must be ${must}`);

/** The error for a value of the wrong type in a container's configuration. */
export const wrongType = wrongTypeOf();

/** Docker's clients send empty values for what nobody has asked for. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
