/** The bodies of the routes below `/tsd/plugins`, checked. */
import type { PluginGrant } from "../../api_types/mod.ts";
import { TsdError } from "../../errors.ts";
import { parsePermissions } from "../../plugins/host/manifest.ts";
import { json, object, optional, text } from "../../plugins/schema.ts";
import { conform } from "../../plugins/validate.ts";
import { FILE_BYTES } from "./plugin_files.ts";
import type { SentFile } from "./plugin_inspector.ts";

const GRANT = {
  Permissions: optional(json("By kind.")),
  Config: optional(json("Settings, by name.")),
} as const;

const GRANT_BODY = object(GRANT);
const FILE_BODY = object({ ...GRANT, FileName: text("A name.") });

/** @throws {TsdError} invalid_argument, payload_too_large */
export function parseSentPlugin(body: unknown): SentFile & { readonly grant: PluginGrant } {
  const { Content: content, ...rest } = plain(body);
  const { FileName: fileName, ...grant } = conform(FILE_BODY, rest);
  return { fileName, content: decoded(content), grant: grantOf(grant) };
}

/** @throws {TsdError} invalid_argument */
export function parseGrant(body: unknown): PluginGrant {
  return grantOf(conform(GRANT_BODY, body === undefined ? {} : plain(body)));
}

function grantOf({ Permissions, Config }: { readonly Permissions?: unknown; readonly Config?: unknown }): PluginGrant {
  return {
    ...Permissions !== undefined &&
      { Permissions: parsePermissions(Permissions) as NonNullable<PluginGrant["Permissions"]> },
    ...Config !== undefined && { Config: plain(Config) },
  };
}

function decoded(content: unknown): Uint8Array<ArrayBuffer> {
  if (typeof content !== "string") throw new TsdError("invalid_argument", "Content is no text");
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.fromBase64(content);
  } catch (cause) {
    throw new TsdError("invalid_argument", "Content is not in base64", { cause });
  }
  if (bytes.length <= FILE_BYTES) return bytes;
  throw new TsdError("payload_too_large", `The file has ${bytes.length} bytes; ${FILE_BYTES} are the most`);
}

function plain(body: unknown): Record<string, unknown> {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new TsdError("invalid_argument", "The body must be a JSON object");
}
