/**
 * @module
 * HTTP proxies. As in Docker, the configuration takes precedence over the environment, and loopback addresses bypass the
 * proxy. `fetch` reads the environment, so the result is put there.
 */
import type { ProxyConfig } from "./engine_config.ts";

/** Go's HTTP client excludes these implicitly. */
const LOOPBACK = ["localhost", "127.0.0.0/8", "::1"];

/** The effective proxies, as `docker info` shows them. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  readonly none: string;
}

/** Merges the configuration with the environment. @param env returns a variable of the engine's environment */
export function proxiesOf({ http, https, none }: ProxyConfig, env: (name: string) => string | undefined): Proxies {
  const either = (name: string) => env(name) || env(name.toLowerCase()) || "";
  return {
    http: http ?? either("HTTP_PROXY"),
    https: https ?? either("HTTPS_PROXY"),
    none: none ?? either("NO_PROXY"),
  };
}

/** Returns the environment variables that make `fetch` use the proxies; none if there are no proxies. */
export function proxyEnvironment({ http, https, none }: Proxies): Readonly<Record<string, string>> {
  if (http === "" && https === "") return {};
  const given = none.split(",").map((each) => each.trim()).filter((each) => each !== "");
  const values = { HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: [...new Set([...given, ...LOOPBACK])].join(",") };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => [[name, value], [name.toLowerCase(), value]]),
  );
}

/** Sets the environment for this thread and its Workers. Must be called before the first `fetch`. */
export function useProxies(
  config: ProxyConfig,
  env: { get(name: string): string | undefined; set(name: string, value: string): void },
): Proxies {
  const proxies = proxiesOf(config, (name) => env.get(name));
  for (const [name, value] of Object.entries(proxyEnvironment(proxies))) env.set(name, value);
  return proxies;
}

/** Masks user name and password of a proxy's URL. */
export function maskedProxy(proxy: string): string {
  return proxy.replace(/^([a-z0-9+.-]+:\/\/)[^/@]*@/i, "$1xxxxx:xxxxx@");
}
