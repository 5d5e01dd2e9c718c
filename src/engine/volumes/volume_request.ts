/** The body of `POST /volumes/create`, checked. */
import { TsdError } from "../../errors.ts";
import type { VolumeCreateRequest } from "../../api_types/mod.ts";
import { isObject, type Shape } from "../../json/decode.ts";
import { decodeRequest, isEmpty } from "../model/request_schemas.ts";

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

const SHAPE: Shape<VolumeCreateRequest> = {
  Name: "text",
  Driver: "text",
  Labels: "textMap",
  DriverOpts: "textMap",
  ClusterVolumeSpec: "anything",
};

/** @throws {TsdError} invalid_argument, not_implemented */
export function parseVolumeRequest(body: unknown): VolumeRequest {
  if (body === undefined) throw invalid("invalid JSON: got EOF while reading request body");
  if (!isObject(body)) throw invalid("invalid JSON: the configuration must be an object");
  const request = decodeRequest(body, SHAPE, { what: "volume" });
  const { Name: name = "", Driver: driver, Labels, DriverOpts, ClusterVolumeSpec } = request;
  if (!isEmpty(ClusterVolumeSpec)) {
    throw new TsdError("not_implemented", "Cannot create the volume: cluster volumes need a swarm, which there is not");
  }
  return { name, driver, labels: Labels ?? null, options: DriverOpts ?? null };
}

const invalid = (message: string) => new TsdError("invalid_argument", message);
