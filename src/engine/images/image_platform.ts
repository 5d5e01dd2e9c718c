import { TsdError } from "../../errors.ts";
import { formatPlatform, type Platform, platformRank } from "../../image/platform.ts";

/**
 * Checks that an image matches the requested platform. The error is that of a missing image, upon which clients pull the
 * image for the platform.
 * @throws {TsdError} image_not_found
 */
export function requirePlatform(imageName: string, offered: Platform, requested: Platform): void {
  if (platformRank(requested, offered) !== undefined) return;
  throw new TsdError(
    "image_not_found",
    `image with reference ${imageName} was found but its platform (${formatPlatform(offered)}) ` +
      `does not match the specified platform (${formatPlatform(requested)})`,
  );
}
