/**
 * @module
 * The environment of a container's process, in Docker's order: PATH, HOSTNAME, TERM, what the user set, what the image
 * sets besides, HOME.
 */

/** The search path of a container whose image sets none. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the engine itself puts into the environment. */
export interface EnvDefaults {
  readonly hostname: string;
  /** With a terminal there is `TERM=xterm`. */
  readonly tty: boolean;
  /** The user's home folder, when HOME is unset or empty. */
  readonly home?: string;
}

/** The user's variables, then those of the image that the user does not name: what inspect shows as `Config.Env`. */
export function mergeConfigEnv(imageEnv: readonly string[], userEnv: readonly string[]): string[] {
  const named = new Set(userEnv.map(keyOf));
  return [...userEnv, ...imageEnv.filter((entry) => !named.has(keyOf(entry)))];
}

/** The complete environment. An entry without `=` removes that variable. */
export function mergeEnv(imageEnv: readonly string[], userEnv: readonly string[], defaults: EnvDefaults): string[] {
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${defaults.hostname}`];
  if (defaults.tty) base.push("TERM=xterm");
  const env = overrideEnv(base, mergeConfigEnv(imageEnv, userEnv));
  return defaults.home === undefined ? env : withHome(env, defaults.home);
}

/**
 * `overrides` over `base`: a known key keeps its place, a new one goes to the end, an entry without `=` removes its key.
 * For exec: the container's environment, then the command's.
 */
export function overrideEnv(base: readonly string[], overrides: readonly string[]): string[] {
  const entries = new Map(base.map((entry) => [keyOf(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes("=")) entries.set(keyOf(entry), entry);
    else entries.delete(entry);
  }
  return [...entries.values()];
}

/** HOME where it is unset or empty, which is what runc itself does with the passwd file it finds. */
function withHome(env: readonly string[], home: string): string[] {
  const set = env.some((entry) => keyOf(entry) === "HOME" && entry !== "HOME=");
  return set ? [...env] : overrideEnv(env, [`HOME=${home}`]);
}

function keyOf(entry: string): string {
  const end = entry.indexOf("=");
  return end < 0 ? entry : entry.slice(0, end);
}
