/**
 * Malicious images and manifests, by the numbers of the list "Adversarial images and registries" in the project's notes
 * on robustness. Each says what it does and what the engine must do; a test builds it, offers it to the engine, and
 * then checks `Victim.changes()` and `rootFindings()`.
 */
import { Xattrs } from "../harness/xattrs.ts";
import { HOSTILE_BLOBS } from "./malicious_blobs.ts";
import { HOSTILE_CONFIGS } from "./malicious_configs.ts";
import { HOSTILE_ENTRIES } from "./malicious_entries.ts";
import { HOSTILE_MANIFESTS } from "./malicious_manifests.ts";
import { HOSTILE_PATHS } from "./malicious_paths.ts";
import { HOSTILE_WHITEOUTS } from "./malicious_whiteouts.ts";
import type { Image, ImageFiles } from "./image_builder.ts";
import { SECRET, type Victim } from "./victim.ts";

/** What the root of an accepted image must have at a path; a path through symlinks counts as "absent". */
export type RootExpectation = "absent" | "dir" | "file" | { readonly content: string } | { readonly target: string };

/** A command to run in a container of the (accepted) image, and its expected result. */
export interface Probe {
  readonly command: readonly string[];
  readonly expect: "fails" | { readonly stdout: string };
}

interface Hostile {
  /** The number in the list; absent for cases that the list has elsewhere. */
  readonly number?: number;
  /** Unique among all cases. */
  readonly name: string;
  readonly what: string;
  /** "refused": one clear error, nothing visible. "contained": accepted, without harm. "either": one of both. */
  readonly expect: "refused" | "contained" | "either";
  /** Checked on the root file system if the image is accepted. */
  readonly root?: Readonly<Record<string, RootExpectation>>;
  readonly probe?: Probe;
}

/** The attack is in a layer; `layers[].openTar()` feeds an unpacker directly. */
export interface HostileLayers extends Hostile {
  readonly kind: "layers";
  build(victim: Victim): Promise<Image>;
}

/** The attack is in the configuration; the layers are busybox. */
export interface HostileConfig extends Hostile {
  readonly kind: "config";
  build(victim: Victim): Promise<Image>;
}

/**
 * The attack is in a manifest, or in a blob that does not match its descriptor: only the scripted registry serves it.
 */
export interface HostileManifest extends Hostile {
  readonly kind: "manifest";
  build(victim: Victim): Promise<ImageFiles>;
}

export type HostileImage = HostileLayers | HostileConfig | HostileManifest;

export const HOSTILE_IMAGES: readonly HostileImage[] = [
  ...HOSTILE_PATHS,
  ...HOSTILE_WHITEOUTS,
  ...HOSTILE_ENTRIES,
  ...HOSTILE_BLOBS,
  ...HOSTILE_CONFIGS,
  ...HOSTILE_MANIFESTS,
];

/** Returns what is wrong with the root file system of an accepted malicious image, one line each. */
export async function rootFindings(hostile: HostileImage, root: string): Promise<string[]> {
  const findings: string[] = [];
  for (const [path, expected] of Object.entries(hostile.root ?? {})) {
    const found = await whatIsAt(root, path);
    const requested = typeof expected === "string" ? expected : JSON.stringify(expected);
    const got = typeof expected === "string" ? found.kind : JSON.stringify(found.detail ?? found.kind);
    if (requested !== got) findings.push(`${path}: ${got}, expected ${requested}`);
  }
  return [...findings, ...await secretsAndXattrs(root)];
}

interface Found {
  readonly kind: string;
  readonly detail?: { readonly content: string } | { readonly target: string };
}

/** Examines `path` without following any symlink. */
async function whatIsAt(root: string, path: string): Promise<Found> {
  const parts = path.split("/");
  let at = root;
  for (const [index, part] of parts.entries()) {
    at = `${at}/${part}`;
    const info = await lstatOrNothing(at);
    if (!info) return { kind: "absent" };
    if (index < parts.length - 1 && !info.isDirectory) return { kind: "absent" };
    if (index < parts.length - 1) continue;
    if (info.isSymlink) return { kind: "symlink", detail: { target: await Deno.readLink(at) } };
    if (info.isFile) return { kind: "file", detail: { content: await Deno.readTextFile(at) } };
    return { kind: info.isDirectory ? "dir" : "special" };
  }
  return { kind: "dir" };
}

/** Reports files with the victim's content, and entries with overlay attributes. */
async function secretsAndXattrs(root: string): Promise<string[]> {
  using xattrs = new Xattrs();
  const findings: string[] = [];
  const dirs = [root];
  for (let dir = dirs.pop(); dir !== undefined; dir = dirs.pop()) {
    for await (const entry of Deno.readDir(dir)) {
      const path = `${dir}/${entry.name}`;
      if (!await lstatOrNothing(path)) continue; // A name that is not UTF-8.
      if (entry.isDirectory) dirs.push(path);
      if (entry.isFile && await isSecret(path)) findings.push(`${path} holds the host's secret`);
      const hidden = Object.keys(xattrs.read(path)).filter((name) => /^(trusted|user)\.overlay\./.test(name));
      if (hidden.length > 0) findings.push(`${path} has ${hidden.join(", ")}`);
    }
  }
  return findings;
}

async function isSecret(path: string): Promise<boolean> {
  return (await Deno.lstat(path)).size === SECRET.length && await Deno.readTextFile(path) === SECRET;
}

async function lstatOrNothing(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
