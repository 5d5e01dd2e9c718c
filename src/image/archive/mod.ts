/**
 * @module
 * Image archives of `docker save` and `docker load`. Reads docker-archive (`manifest.json`, with layers as
 * `<id>/layer.tar` or as blobs) and OCI image layouts (OCI image-spec v1.1, image-layout.md); writes what Docker 28
 * writes. It opens no files and stores no layers.
 *
 * It rejects members and links that lead out of the archive, more than 100,000 members, documents over 4 MiB or that
 * strict parsing rejects, indexes nested deeper than four levels, and images for another operating system.
 */
export { type ArchivedImage, type ArchivedLayer, type ArchiveFiles } from "./contents.ts";
export { type ImageToSave, type LayoutFile, layoutFiles, type PlainLayer, plainManifest } from "./layout_files.ts";
export { ArchiveMembers, MAX_MEMBERS, type MemberRange } from "./members.ts";
export { readArchive } from "./read_archive.ts";
