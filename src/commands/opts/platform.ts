import type { OciPlatform } from "../../api_types/mod.ts";
import { parsePlatform } from "../../image/platform.ts";

/** Parses `--platform linux/arm64` to the form that API 1.48 and later accept. @throws {TsdError} invalid_argument */
export function platformOf(text: string): OciPlatform {
  const { os, architecture, variant } = parsePlatform(text);
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** As {@link platformOf}, for a flag that may not be set. */
export const optionalPlatform = (text: string | undefined): { platform?: OciPlatform } =>
  text === undefined || text === "" ? {} : { platform: platformOf(text) };
