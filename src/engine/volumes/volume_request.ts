/** The body of `POST /volumes/create`, checked. */
import { TsdError } from "../../errors.ts";
import { isEmpty, isObject, withoutNulls } from "../containers/request_shapes.ts";

type Texts = Readonly<Record<string, string>>;

/** A volume that somebody wants. */
export interface VolumeRequest {
  /** Empty: it gets a random one, and is anonymous. */
  readonly name: string;
  readonly driver?: string | undefined;
  /** Null where nobody asked for any. */
  readonly labels: Texts | null;
  readonly options: Texts | null;
}

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseVolumeRequest(body: unknown): VolumeRequest {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  if (!isObject(body)) throw invalid("invalid JSON: the configuration must be an object");
  const { Name = "", Driver, Labels, DriverOpts, ClusterVolumeSpec } = withoutNulls(body);
  if (!isEmpty(ClusterVolumeSpec)) {
    throw new TsdError("not_implemented", "Cannot create the volume: cluster volumes need a swarm, which there is not");
  }
  return {
    name: textOf("Name", Name),
    driver: Driver === undefined ? undefined : textOf("Driver", Driver),
    labels: textsOf("Labels", Labels),
    options: textsOf("DriverOpts", DriverOpts),
  };
}

function textOf(field: string, value: unknown): string {
  if (typeof value === "string" && !value.includes("\0")) return value;
  throw invalid(`Invalid volume configuration: ${field} must be a text without NUL`);
}

function textsOf(field: string, value: unknown): Texts | null {
  if (value === undefined) return null;
  if (!isObject(value)) throw invalid(`Invalid volume configuration: ${field} must be an object of texts`);
  for (const [key, text] of Object.entries(value)) textOf(`${field}.${key}`, text);
  return value as Texts;
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
