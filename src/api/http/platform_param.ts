import { TsdError } from "../../errors.ts";
import { normalizePlatform, type Platform } from "../../image/platform.ts";
import type { Query } from "./query.ts";
import { type ApiVersion, atLeast } from "./version.ts";

/** The parameter `platform`; an older client's of this name means nothing. @throws {TsdError} invalid_argument */
export function platformIn(query: Query, version: ApiVersion, since: ApiVersion): Platform | undefined {
  const text = atLeast(version, since) ? query.text("platform") : undefined;
  return text === undefined ? undefined : decodePlatform(text);
}

/**
 * A platform as a query carries it from API 1.48 on: `{"os":"linux","architecture":"arm64"}`.
 * @throws {TsdError} invalid_argument, with Docker's texts
 */
export function decodePlatform(text: string): Platform {
  const fields = parsed(text);
  const [os, architecture, variant, osVersion] = ["os", "architecture", "variant", "os.version"].map((name) => {
    const value = fields[name] ?? "";
    if (typeof value !== "string") throw invalid(`failed to parse platform: ${name} is not a text`);
    return value;
  });
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
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw invalid("failed to parse platform: not a JSON object");
}

const invalid = (message: string): TsdError => new TsdError("invalid_argument", message);
