/**
 * @module
 * Platforms (OCI image-spec v1.1, image-index.md, "platform") and the choice among an index's entries: the wanted one
 * first, then what the same machine also runs, best first, as containerd's matcher has it.
 */
import { TsdError } from "../errors.ts";
import type { Descriptor } from "./manifest.ts";
import { kindOf } from "./media_types.ts";

/** What an image runs on. Normalised: Go's names, `arm64` is always `v8` or later, `amd64` v1 has no variant. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** Windows builds only. */
  readonly osVersion?: string;
}

const OS_NAMES: Readonly<Record<string, string>> = { macos: "darwin" };

/** Other names of architectures → architecture and the variant that the name implies. */
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

/** A word alone has to be one of Go's operating systems or architectures (`go tool dist list`, and those it once had). */
const KNOWN_OSES = new Set(
  "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris windows zos"
    .split(" "),
);
const KNOWN_ARCHITECTURES = new Set(
  ("386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 " +
    "mips64p32le ppc riscv riscv64 s390 s390x sparc sparc64 wasm").split(" "),
);

/** The variant that an architecture has when nothing is said. */
const DEFAULT_VARIANTS = new Map([["arm", "v7"], ["arm64", "v8"]]);

/** Brings other spellings (`x86_64`, `armhf`, `arm64` without variant) to one form. */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase();
  const name = platform.architecture.toLowerCase();
  const [architecture, implied] = Object.hasOwn(ARCHITECTURES, name) ? ARCHITECTURES[name] : [name];
  const given = platform.variant?.toLowerCase().replace(/^(?=\d)/, "v") || implied ||
    DEFAULT_VARIANTS.get(architecture);
  const variant = architecture === "amd64" && given === "v1" ? undefined : given;
  return {
    os: Object.hasOwn(OS_NAMES, os) ? OS_NAMES[os] : os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    ...(platform.osVersion === undefined || platform.osVersion === "" ? {} : { osVersion: platform.osVersion }),
  };
}

/**
 * Parses `--platform`: `linux/arm64`, `linux/arm/v7`, `arm64`, `linux`.
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

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: Deno.build.os, architecture: Deno.build.arch });
}

/** `linux/amd64`, `linux/arm64/v8`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, variant].filter((part) => part !== undefined).join("/");
}

/** How well `offered` serves `wanted` (both normalised): 0 is exact, higher is worse, undefined not at all. */
export function platformRank(requested: Platform, offered: Platform): number | undefined {
  if (requested.os !== offered.os) return undefined;
  if (requested.osVersion !== undefined && requested.osVersion !== offered.osVersion) return undefined;
  const rank = runnable(requested).findIndex(([architecture, variant]) =>
    architecture === offered.architecture && variant === offered.variant
  );
  return rank < 0 ? undefined : rank;
}

/**
 * The entries of an index that serve `wanted`, best first; entries that don't name a platform come last. Attestations
 * and anything else that isn't an image are left out.
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

/** What a machine of this kind runs, best first. */
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
