/**
 * @module
 * Proxies. As in Docker the configuration goes before the environment, and this machine itself is never asked through one.
 * `fetch` reads the environment, so that is where they are put.
 */
import type { ProxyConfig } from "./engine_config.ts";

/** Go's clients leave these out by themselves. */
const LOOPBACK = ["localhost", "127.0.0.0/8", "::1"];

/** What is in force, as `docker info` shows it. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  readonly none: string;
}

/** @param env what the engine's environment has */
export function proxiesOf({ http, https, none }: ProxyConfig, env: (name: string) => string | undefined): Proxies {
  const either = (name: string) => env(name) || env(name.toLowerCase()) || "";
  return {
    http: http ?? either("HTTP_PROXY"),
    https: https ?? either("HTTPS_PROXY"),
    none: none ?? either("NO_PROXY"),
  };
}

/** The environment that makes `fetch` use them; nothing when there are none. */
export function proxyEnvironment({ http, https, none }: Proxies): Readonly<Record<string, string>> {
  if (http === "" && https === "") return {};
  const given = none.split(",").map((each) => each.trim()).filter((each) => each !== "");
  const values = { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: [...new Set([...given, ...LOOPBACK])].join(",") };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => [[name, value], [name.toLowerCase(), value]]),
  );
}

/** Puts them in force, in this thread and in Workers; nothing may have been fetched yet. */
export function useProxies(
  config: ProxyConfig,
  env: { get(name: string): string | undefined; set(name: string, value: string): void },
): Proxies {
  const proxies = proxiesOf(config, (name) => env.get(name));
  for (const [name, value] of Object.entries(proxyEnvironment(proxies))) env.set(name, value);
  return proxies;
}

/** Without its user's name and password. */
export function maskedProxy(proxy: string): string {
  return proxy.replace(/^([a-z0-9+.-]+:\/\/)[^/@]*@/i, "$1xxxxx:xxxxx@");
}
