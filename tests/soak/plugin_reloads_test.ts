/** Plugins of all kinds are replaced, disabled and removed while 400 containers run. Takes a minute. */
import { scenario } from "../cli/setup.ts";
import { reloadUnderLoad } from "../plugins/reloading.ts";
import { print } from "./figures.ts";

scenario("plugins: reload under load", {
  "five plugins, 400 containers": async (fixture) => {
    print("changes of plugins", `${await reloadUnderLoad(fixture, 400)}`);
  },
});
