import { TsdError } from "../../errors.ts";
import { formatPlatform, type Platform, platformRank } from "../../image/platform.ts";

/** A 404 like that of a missing image, after which clients pull the one they want. @throws {TsdError} image_not_found */
export function requirePlatform(imageName: string, offered: Platform, requested: Platform): void {
  if (platformRank(requested, offered) !== undefined) return;
  throw new TsdError(
    "image_not_found",
    `image with reference ${imageName} was found but its platform (${formatPlatform(offered)}) ` +
      `does not match the specified platform (${formatPlatform(requested)})`,
  );
}
