/**
 * @module
 * The environment of a container's process, in Docker's order: PATH, HOSTNAME, TERM, the user's variables, the image's
 * other variables, HOME.
 */

/** The search path of a container whose image doesn't set PATH. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Values for the variables that the engine sets. */
export interface EnvDefaults {
  readonly hostname: string;
  /** Whether to set `TERM=xterm`. */
  readonly tty: boolean;
  /** The user's home directory, used if HOME is unset or empty. */
  readonly home?: string;
}

/** Returns the user's variables, then the image's that the user doesn't set: `Config.Env` in the output of inspect. */
export function mergeConfigEnv(imageEnv: readonly string[], userEnv: readonly string[]): string[] {
  const named = new Set(userEnv.map(keyOf));
  return [...userEnv, ...imageEnv.filter((entry) => !named.has(keyOf(entry)))];
}

/** Returns the complete environment. An entry without `=` removes the variable. */
export function mergeEnv(imageEnv: readonly string[], userEnv: readonly string[], defaults: EnvDefaults): string[] {
  const base = [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${defaults.hostname}`];
  if (defaults.tty) base.push("TERM=xterm");
  const env = overrideEnv(base, mergeConfigEnv(imageEnv, userEnv));
  return defaults.home === undefined ? env : withHome(env, defaults.home);
}

/**
 * Applies `overrides` to `base`: an existing variable keeps its position, a new one is appended, and an entry without
 * `=` removes the variable. For exec, `base` is the container's environment and `overrides` the command's.
 */
export function overrideEnv(base: readonly string[], overrides: readonly string[]): string[] {
  const entries = new Map(base.map((entry) => [keyOf(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes("=")) entries.set(keyOf(entry), entry);
    else entries.delete(entry);
  }
  return [...entries.values()];
}

/** Sets HOME if it is unset or empty, as runc does from the container's passwd file. */
function withHome(env: readonly string[], home: string): string[] {
  const set = env.some((entry) => keyOf(entry) === "HOME" && entry !== "HOME=");
  return set ? [...env] : overrideEnv(env, [`HOME=${home}`]);
}

function keyOf(entry: string): string {
  const end = entry.indexOf("=");
  return end < 0 ? entry : entry.slice(0, end);
}
