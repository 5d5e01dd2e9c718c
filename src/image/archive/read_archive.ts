import { TsdError } from "../../errors.ts";
import type { Platform } from "../platform.ts";
import { type ArchivedImage, type ArchiveFiles, merged } from "./contents.ts";
import { DOCKER_MANIFEST_NAME, dockerImages } from "./docker_archive.ts";
import { layoutImages, OCI_INDEX_NAME } from "./oci_layout.ts";

/**
 * Returns all images of an archive, or those for a platform. If it has both formats, Docker's is read, as in Docker.
 * @throws {TsdError} archive_invalid, manifest_invalid, size_mismatch, digest_mismatch, invalid_reference,
 * platform_unavailable, image_not_found (none for the platform)
 */
export async function readArchive(files: ArchiveFiles, platform?: Platform): Promise<ArchivedImage[]> {
  if (files.find(DOCKER_MANIFEST_NAME) !== undefined) return merged(await dockerImages(files, platform), platform);
  if (files.find(OCI_INDEX_NAME) !== undefined) return merged(await layoutImages(files, platform), platform);
  const old = files.find("repositories") === undefined ? "" : ": it is of a Docker before 1.10, which is not supported";
  throw new TsdError(
    "archive_invalid",
    `Cannot load the archive: it has no ${DOCKER_MANIFEST_NAME} and no ${OCI_INDEX_NAME}${old}`,
  );
}
