/** @module Decodes request bodies by their shapes, which are beside the parsers. Errors name the field. */
import { TsdError } from "../../errors.ts";
import { decode, type Decoded, type Shape, type WrongType } from "../../json/decode.ts";

/** Names a decoded object in error messages. */
export interface RequestPart {
  /** Path in the body; empty for the body itself. */
  readonly path?: string;
  /** The noun before `configuration`. Default: `container`. */
  readonly what?: string;
}

/** Decodes an object of a request. @throws {TsdError} invalid_argument */
export function decodeRequest<T>(value: unknown, shape: Shape<T>, { path, what }: RequestPart = {}): Decoded<T> {
  return decode(value, shape, wrongTypeOf(what), path);
}

const wrongTypeOf = (what = "container"): WrongType => (path, must) =>
  new TsdError("invalid_argument", `Invalid ${what} configuration: ${path} must be ${must}`);

/** Returns the error for a value of the wrong type in a container's configuration. */
export const wrongType = wrongTypeOf();

/** Returns whether a value is empty: Docker's clients send empty values for fields that the user has not set. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
