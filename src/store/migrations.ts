/** Migrations of the database schema, one per version; only ever append to them. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE images (
    id TEXT PRIMARY KEY,              -- digest of the config
    manifest_digest TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,      -- content of all layers
    added_ms INTEGER NOT NULL         -- Unix time in ms
  ) STRICT;
  CREATE TABLE image_layers (
    image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,         -- 0 is the lowest
    diff_id TEXT NOT NULL,
    PRIMARY KEY (image_id, ordinal)
  ) STRICT;
  CREATE INDEX image_layers_by_diff ON image_layers(diff_id);
  CREATE TABLE tags (
    name TEXT PRIMARY KEY,            -- docker.io/library/alpine:latest
    image_id TEXT NOT NULL REFERENCES images(id)
  ) STRICT;
  CREATE TABLE repo_digests (
    name TEXT NOT NULL,               -- docker.io/library/alpine
    digest TEXT NOT NULL,             -- of the manifest or index that the registry named
    image_id TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
    PRIMARY KEY (name, digest, image_id)
  ) STRICT;
  CREATE TABLE containers (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,
    image_id TEXT NOT NULL,
    record TEXT NOT NULL,             -- JSON: configuration, fixed at creation
    state TEXT NOT NULL               -- JSON: what changes while it lives
  ) STRICT;
  CREATE INDEX containers_by_image ON containers(image_id);
  `,
  `
  CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,     -- order of happening
    time_nano INTEGER NOT NULL,       -- nanoseconds since 1970
    type TEXT NOT NULL,
    action TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    attributes TEXT NOT NULL          -- JSON
  ) STRICT;
  `,
  `
  ALTER TABLE images ADD COLUMN tagged_ms INTEGER; -- Unix time in ms of the last tag that somebody gave it here
  `,
  `
  CREATE TABLE volumes (
    name TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL,      -- Unix time in ms
    labels TEXT NOT NULL,             -- JSON: an object or null, as it was asked for
    options TEXT NOT NULL             -- JSON: an object or null, the driver's
  ) STRICT;
  `,
  `
  CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL,      -- Unix time in ms
    record TEXT NOT NULL              -- JSON: driver, subnet, options
  ) STRICT;
  CREATE TABLE endpoints (            -- of containers that run
    container_id TEXT NOT NULL REFERENCES containers(id) ON DELETE CASCADE,
    network_id TEXT NOT NULL REFERENCES networks(id),
    ipv4 TEXT NOT NULL,
    lease TEXT NOT NULL,              -- JSON: everything that the container has there
    PRIMARY KEY (container_id, network_id),
    UNIQUE (network_id, ipv4)
  ) STRICT;
  CREATE TABLE sandboxes (            -- of containers that run
    container_id TEXT PRIMARY KEY REFERENCES containers(id) ON DELETE CASCADE,
    record TEXT NOT NULL              -- JSON: the network namespace and its ports
  ) STRICT;
  `,
  `
  CREATE TABLE plugin_storage (       -- what plugins keep
    plugin TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,              -- JSON
    PRIMARY KEY (plugin, key)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE plugins (
    name TEXT PRIMARY KEY,
    file TEXT NOT NULL,               -- absolute
    digest TEXT NOT NULL,             -- SHA-256 of the file that the manifest is of, in hex
    manifest TEXT NOT NULL,           -- JSON: what it says of itself
    granted TEXT NOT NULL,            -- JSON: permissions
    config TEXT NOT NULL,             -- JSON: what the administrator set
    is_enabled INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE event_intents (        -- events of steps that have begun and are not over
    id INTEGER PRIMARY KEY,
    event TEXT NOT NULL               -- JSON: the event without its time
  ) STRICT;
  `,
];
