/**
 * @module
 * Which images exist, and their names: database rows only. A row is written last, when every layer and blob that it
 * refers to is durable, so every listed image can be run.
 */
import type { Digest } from "../image/digest.ts";
import type { Database, Row } from "./database.ts";
import { type Recording, UNTOLD } from "./event_records.ts";

/** An image, without its names. */
export interface ImageRecord {
  /** Digest of the image's config, which is Docker's image id. */
  readonly id: Digest;
  readonly manifestDigest: Digest;
  /** diffIDs, lowest layer first. */
  readonly layers: readonly Digest[];
  /** Total content size of all layers, in bytes. */
  readonly sizeBytes: number;
  /** When the image was added to this engine, in ms of Unix time. */
  readonly addedMs: number;
  /** When the image was last tagged explicitly, in ms of Unix time; tags of a pull don't count. */
  readonly taggedMs?: number;
}

/** The names of an image. */
export interface ImageNames {
  /** `docker.io/library/alpine:latest` */
  readonly tags: readonly string[];
  /** `docker.io/library/alpine@sha256:…` */
  readonly repoDigests: readonly string[];
}

/** A digest that identifies an image in a repository. */
export interface RepoDigest {
  /** `docker.io/library/alpine` */
  readonly name: string;
  readonly digest: Digest;
}

/** Names to give to an image. */
export interface NewNames {
  readonly tag?: string;
  readonly tags?: readonly string[];
  readonly repoDigest?: RepoDigest;
}

/** Table access for images, tags and repository digests. */
export class ImageRecords {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds an image (again) and gives it its names, in one transaction; a name moves over from another image. */
  put(image: ImageRecord, names: NewNames, recording: Recording = UNTOLD): void {
    if (this.#exists(image.id, names)) return recording({ write() {} });
    recording({ write: () => this.#put(image, names), lasts: true });
  }

  #put(image: ImageRecord, names: NewNames): void {
    this.#db.transaction(() => {
      this.#db.run(
        "INSERT INTO images (id, manifest_digest, size_bytes, added_ms) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        image.id,
        image.manifestDigest,
        image.sizeBytes,
        image.addedMs,
      );
      image.layers.forEach((diffId, ordinal) =>
        this.#db.run(
          "INSERT INTO image_layers (image_id, ordinal, diff_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          image.id,
          ordinal,
          diffId,
        )
      );
      if (names.tag !== undefined) this.tag(names.tag, image.id);
      for (const tag of names.tags ?? []) this.tag(tag, image.id);
      if (names.repoDigest !== undefined) {
        const { name, digest } = names.repoDigest;
        this.dropName(`${name}@${digest}`);
        this.#db.run("INSERT INTO repo_digests (name, digest, image_id) VALUES (?, ?, ?)", name, digest, image.id);
      }
    });
  }

  /** Points a tag at an existing image. */
  tag(name: string, id: Digest): void {
    this.#db.run(
      "INSERT INTO tags (name, image_id) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
      name,
      id,
    );
  }

  /** The same as somebody's wish, whose time is kept. */
  tagManually(name: string, id: Digest, nowMs: number, recording: Recording = UNTOLD): void {
    const write = () =>
      this.#db.transaction(() => {
        this.tag(name, id);
        this.#db.run("UPDATE images SET tagged_ms = ? WHERE id = ?", nowMs, id);
      });
    recording({ write, lasts: true });
  }

  /** Removes a name: a tag, or a repository digest (`docker.io/library/alpine@sha256:…`). */
  dropName(full: string): void {
    const at = full.lastIndexOf("@");
    if (at < 0) this.#db.run("DELETE FROM tags WHERE name = ?", full);
    else this.#db.run("DELETE FROM repo_digests WHERE name = ? AND digest = ?", full.slice(0, at), full.slice(at + 1));
  }

  /** Removes an image and its names. */
  remove(id: Digest): void {
    this.#db.transaction(() => {
      this.#db.run("DELETE FROM tags WHERE image_id = ?", id);
      this.#db.run("DELETE FROM images WHERE id = ?", id);
    });
  }

  get(id: Digest): ImageRecord | undefined {
    const row = this.#db.get("SELECT * FROM images WHERE id = ?", id);
    return row === undefined ? undefined : this.#record(row);
  }

  list(): ImageRecord[] {
    return this.#db.all("SELECT * FROM images ORDER BY added_ms DESC, id").map((row) => this.#record(row));
  }

  names(id: Digest): ImageNames {
    return {
      tags: this.#db.all("SELECT name FROM tags WHERE image_id = ? ORDER BY name", id).map((row) => String(row.name)),
      repoDigests: this.#db.all("SELECT name, digest FROM repo_digests WHERE image_id = ? ORDER BY name, digest", id)
        .map((row) => `${row.name}@${row.digest}`),
    };
  }

  /** Returns the image with a tag, such as `docker.io/library/alpine:latest`. */
  byTag(name: string): Digest | undefined {
    return this.#db.get("SELECT image_id FROM tags WHERE name = ?", name)?.image_id as Digest | undefined;
  }

  /** Returns all tags of a repository (`docker.io/library/alpine`) as full names, with their images. */
  tagsOf(repository: string): { readonly name: string; readonly id: Digest }[] {
    // ";" is the character after ":".
    return this.#db.all(
      "SELECT name, image_id FROM tags WHERE name > ? AND name < ? ORDER BY name",
      `${repository}:`,
      `${repository};`,
    ).map((row) => ({ name: String(row.name), id: row.image_id as Digest }));
  }

  /** Returns the image with this digest in the repository `name`. */
  byRepoDigest(name: string, digest: Digest): Digest | undefined {
    const row = this.#db.get("SELECT image_id FROM repo_digests WHERE name = ? AND digest = ?", name, digest);
    return row?.image_id as Digest | undefined;
  }

  /** Returns at most `limit` ids that start with these hex digits. */
  byIdPrefix(hex: string, limit = 2): Digest[] {
    return this.#db.all("SELECT id FROM images WHERE id GLOB ? LIMIT ?", `sha256:${hex}*`, limit)
      .map((row) => row.id as Digest);
  }

  /** Returns every layer that some image refers to. */
  referencedLayers(): Set<Digest> {
    return new Set(this.#db.all("SELECT DISTINCT diff_id FROM image_layers").map((row) => row.diff_id as Digest));
  }

  /** Avoids writes for the usual case, a pull that brings nothing new. */
  #exists(id: Digest, { tag, tags = [], repoDigest }: NewNames): boolean {
    const isTagged = [...tags, ...tag === undefined ? [] : [tag]].every((name) => this.byTag(name) === id);
    return this.get(id) !== undefined && isTagged &&
      (repoDigest === undefined || this.byRepoDigest(repoDigest.name, repoDigest.digest) === id);
  }

  #record(row: Row): ImageRecord {
    const layers = this.#db.all("SELECT diff_id FROM image_layers WHERE image_id = ? ORDER BY ordinal", row.id);
    return {
      id: row.id as Digest,
      manifestDigest: row.manifest_digest as Digest,
      layers: layers.map((layer) => layer.diff_id as Digest),
      sizeBytes: Number(row.size_bytes),
      addedMs: Number(row.added_ms),
      ...(row.tagged_ms === null ? {} : { taggedMs: Number(row.tagged_ms) }),
    };
  }
}
