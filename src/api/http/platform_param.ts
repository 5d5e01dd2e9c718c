import { TsdError } from "../../errors.ts";
import { decode, isObject, type Shape } from "../../json/decode.ts";
import { normalizePlatform, type Platform } from "../../image/platform.ts";
import type { OciPlatform } from "../../api_types/mod.ts";
import type { Query } from "./query.ts";
import { type ApiVersion, atLeast } from "./version.ts";

const SHAPE: Shape<OciPlatform> = {
  os: "text",
  architecture: "text",
  variant: "text",
  "os.version": "text",
  "os.features": { ignored: "texts", because: "only platforms of Windows have features" },
};

/**
 * Parses the parameter `platform`. It is ignored if the client's API version is older than `since`.
 * @throws {TsdError} invalid_argument
 */
export function platformIn(query: Query, version: ApiVersion, since: ApiVersion): Platform | undefined {
  const text = atLeast(version, since) ? query.text("platform") : undefined;
  return text === undefined ? undefined : decodePlatform(text);
}

/**
 * Parses a platform in the JSON form of API 1.48 and later: `{"os":"linux","architecture":"arm64"}`.
 * @throws {TsdError} invalid_argument, with Docker's messages
 */
export function decodePlatform(text: string): Platform {
  const wrongType = (path: string, must: string) =>
    invalid(`failed to parse platform: ${path} is not ${must.replace(" without NUL", "")}`);
  const { os = "", architecture = "", variant = "", "os.version": osVersion = "" } = decode(
    parsed(text),
    SHAPE,
    wrongType,
  );
  if (os === "" && architecture === "" && (variant !== "" || osVersion !== "")) {
    throw invalid("optional platform fields provided, but OS and Architecture are missing");
  }
  if (os === "" || architecture === "") throw invalid("both OS and Architecture must be provided");
  return normalizePlatform({
    os,
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...(osVersion === "" ? {} : { osVersion }),
  });
}

function parsed(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TsdError("invalid_argument", "failed to parse platform: not JSON", { cause });
  }
  if (isObject(value)) return value;
  throw invalid("failed to parse platform: not a JSON object");
}

const invalid = (message: string): TsdError => new TsdError("invalid_argument", message);
