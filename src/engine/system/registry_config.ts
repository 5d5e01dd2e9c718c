import type { RegistryIndexConfig, RegistryServiceConfig } from "../../api_types/mod.ts";
import { parseNetwork, type RegistrySettings } from "../../image/registry/mod.ts";

const OFFICIAL = "docker.io";
/** Networks that are always insecure registries. */
const LOOPBACK = ["127.0.0.0/8", "::1/128"];

/** Returns the `RegistryConfig` of `docker info`. */
export function registryConfig(
  { insecureRegistries, mirrors }: Pick<RegistrySettings, "insecureRegistries" | "mirrors">,
): RegistryServiceConfig {
  const isNetwork = (name: string) => parseNetwork(name) !== undefined;
  const insecure = insecureRegistries.filter((name) => !isNetwork(name));
  const index = (name: string): RegistryIndexConfig => ({
    Name: name,
    Mirrors: mirrors[name] ?? [],
    Secure: !insecure.includes(name),
    Official: name === OFFICIAL,
  });
  const names = [OFFICIAL, ...Object.keys(mirrors), ...insecure];
  return {
    InsecureRegistryCIDRs: [...insecureRegistries.filter(isNetwork), ...LOOPBACK],
    IndexConfigs: Object.fromEntries(names.map((name) => [name, index(name)])),
    Mirrors: mirrors[OFFICIAL] ?? [],
  };
}
