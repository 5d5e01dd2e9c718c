import type { OciPlatform } from "../../api_types/mod.ts";
import { parsePlatform } from "../../image/platform.ts";

/** `--platform linux/arm64` as the engine takes it from API 1.48 on. @throws {TsdError} invalid_argument */
export function platformOf(text: string): OciPlatform {
  const { os, architecture, variant } = parsePlatform(text);
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

/** The same for a flag that may not be there. */
export const optionalPlatform = (text: string | undefined): { platform?: OciPlatform } =>
  text === undefined || text === "" ? {} : { platform: platformOf(text) };
