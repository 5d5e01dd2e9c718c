/**
 * @module
 * Platforms (OCI image-spec v1.1, image-index.md, "platform") and their selection from an index: the requested platform
 * first, then others that the same machine can run, best first, as in containerd's platform matcher.
 */
import { TsdError } from "../errors.ts";
import type { Descriptor } from "./manifest.ts";
import { kindOf } from "./media_types.ts";

/** A platform, normalised: Go's names, `arm64` is always `v8` or later, `amd64` v1 has no variant. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** For Windows images only. */
  readonly osVersion?: string;
}

const OS_NAMES: Readonly<Record<string, string>> = { macos: "darwin" };

/** Aliases of architectures, with the architecture and the variant that the alias implies. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  i486: ["386"],
  i586: ["386"],
  i686: ["386"],
  x86: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
  armv5l: ["arm", "v5"],
  armv6l: ["arm", "v6"],
  armv7l: ["arm", "v7"],
  mips64el: ["mips64le"],
};

/** A single component must be one of Go's operating systems or architectures (`go tool dist list`, and former ones). */
const KNOWN_OSES = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos"
    .split(" "),
);
const KNOWN_ARCHITECTURES = new Set(
  ("386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
    "mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm").split(" "),
);

/** The default variant of an architecture. */
const DEFAULT_VARIANTS = new Map([["arm", "v7"], ["arm64", "v8"]]);

/** Normalises other spellings (`x86_64`, `armhf`, `arm64` without variant). */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const name = platform.architecture.toLowerCase();
  const [architecture, implied] = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : [name];
  const explicitVariant = platform.variant?.toLowerCase().replace(/^(?=\d)/, "v") || implied ||
    DEFAULT_VARIANTS.get(architecture);
  const variant = architecture === "amd64" && explicitVariant === "v1" ? undefined : explicitVariant;
  return {
    os: Object.hasOwn(OS_NAMES, os) ? OS_NAMES[os] : os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(platform.osVersion === undefined || platform.osVersion === "" ? {} : { osVersion: platform.osVersion }),
  };
}

/**
 * Parses the value of `--platform`: `linux/arm64`, `linux/arm/v7`, `arm64`, `linux`.
 * @throws {TsdError} invalid_argument
 */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const refuse = (why: string) => new TsdError("invalid_argument", `${why}: invalid argument`);
  const quoted = JSON.stringify(text);
  const odd = parts.find((part) => !/^[A-Za-z0-9_.-]+$/.test(part));
  if (odd !== undefined) {
    const form = 'platform specifier component must match "^[A-Za-z0-9_.-]+$"';
    throw refuse(`${JSON.stringify(odd)} is an invalid component of ${quoted}: ${form}`);
  }
  if (parts.length > 3) throw refuse(`${quoted}: cannot parse platform specifier`);
  const host = hostPlatform();
  const [first, architecture, variant] = parts;
  if (architecture !== undefined) return normalizePlatform({ os: first, architecture, variant });
  const asOs = normalizePlatform({ ...host, os: first });
  if (KNOWN_OSES.has(asOs.os)) return asOs;
  const asArchitecture = normalizePlatform({ os: host.os, architecture: first });
  if (KNOWN_ARCHITECTURES.has(asArchitecture.architecture)) return asArchitecture;
  throw refuse(`${quoted}: unknown operating system or architecture`);
}

/** Returns the platform of this host. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: Deno.build.os, architecture: Deno.build.arch });
}

/** Formats a platform: `linux/amd64`, `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join("/");
}

/**
 * Returns how well `offered` serves `requested` (both normalised): 0 is exact, higher is worse, undefined is not at
 * all.
 */
export function platformRank(requested: Platform, offered: Platform): number | undefined {
  if (requested.os !== offered.os) return undefined;
  if (requested.osVersion !== undefined && requested.osVersion !== offered.osVersion) return undefined;
  const rank = runnable(requested).findIndex(([architecture, variant]) =>
    architecture === offered.architecture && variant === offered.variant
  );
  return rank < 0 ? undefined : rank;
}

/**
 * Returns the entries of an index that serve `requested`, best first; entries without a platform come last.
 * Attestations and other entries that are not images are excluded.
 * @throws {TsdError} platform_unavailable
 */
export function matchingManifests(manifests: readonly Descriptor[], requested: Platform): Descriptor[] {
  const ranked = manifests.filter(isImage).flatMap((entry) => {
    const rank = entry.platform === undefined ? Infinity : platformRank(requested, entry.platform);
    return rank === undefined ? [] : [{ entry, rank }];
  });
  if (ranked.length === 0) {
    throw new TsdError(
      "platform_unavailable",
      `no matching manifest for ${formatPlatform(requested)} in the manifest list entries`,
    );
  }
  return ranked.sort((a, b) => a.rank === b.rank ? 0 : a.rank - b.rank).map(({ entry }) => entry);
}

function isImage({ mediaType, platform, annotations }: Descriptor): boolean {
  const kind = kindOf(mediaType);
  if (kind !== "image" && kind !== "index") return false;
  if (annotations?.["vnd.docker.reference.type"] === "attestation-manifest") return false;
  return platform === undefined || !(platform.os === "unknown" && platform.architecture === "unknown");
}

/** The architectures and variants that a machine of this platform can run, best first. */
function runnable({ architecture, variant }: Platform): [architecture: string, variant: string | undefined][] {
  const falling = (name: string, from: number, to: number) =>
    Array.from({ length: Math.max(0, from - to + 1) }, (_, i): [string, string] => [name, `v${from - i}`]);
  const version = Number(/^v(\d+)$/.exec(variant ?? "")?.[1] ?? NaN);
  switch (architecture) {
    case "amd64":
      return [[architecture, variant], ...falling("amd64", version - 1, 2), ["amd64", undefined], ["386", undefined]];
    case "arm":
      return [[architecture, variant], ...falling("arm", version - 1, 5)];
    case "arm64":
      return [
        [architecture, variant],
        ...falling("arm64", Number.isNaN(version) ? 8 : version - 1, 8),
        ...falling("arm", 8, 5),
      ];
    default:
      return [[architecture, variant]];
  }
}
