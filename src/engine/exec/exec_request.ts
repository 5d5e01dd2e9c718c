/** The bodies of `POST /containers/{id}/exec` and `POST /exec/{id}/start`, decoded. */
import type { ExecCreateRequest, ExecStartRequest } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { isObject, type Shape } from "../../json/decode.ts";
import { decodeRequest } from "../model/request_schemas.ts";

const CREATE_SHAPE: Shape<ExecCreateRequest> = {
  AttachStdin: "flag",
  AttachStdout: "flag",
  AttachStderr: "flag",
  ConsoleSize: { pointer: "size" },
  DetachKeys: "text",
  Tty: "flag",
  Env: "texts",
  Cmd: "texts",
  Privileged: "flag",
  User: "text",
  WorkingDir: "text",
  Detach: { ignored: "flag", because: "the request to start the exec decides" },
};

const START_SHAPE: Shape<ExecStartRequest> = { Detach: "flag", Tty: "flag", ConsoleSize: { pointer: "size" } };

/** Decodes a request to create an exec. @throws {TsdError} invalid_argument */
export function parseExecRequest(body: unknown): ExecCreateRequest {
  if (!isObject(body)) throw noObject();
  return decodeRequest(body, CREATE_SHAPE, { what: "exec" });
}

/** Decodes a body that may be missing. @throws {TsdError} invalid_argument */
export function parseExecStart(body: unknown): ExecStartRequest {
  if (!isObject(body ?? {})) throw noObject();
  return decodeRequest(body ?? {}, START_SHAPE, { what: "exec" });
}

const noObject = () => new TsdError("invalid_argument", "Invalid exec configuration: an object is needed");
