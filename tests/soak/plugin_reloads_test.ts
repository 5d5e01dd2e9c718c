/** Plugins of all kinds that are replaced, disabled and removed while 400 containers come and go. A minute long. */
import { scenario } from "../cli/setup.ts";
import { reloadUnderLoad } from "../plugins/reloading.ts";
import { print } from "./figures.ts";

scenario("plugins: reload under load", {
  "five plugins, 400 containers": async (fixture) => {
    print("changes of plugins", `${await reloadUnderLoad(fixture, 400)}`);
  },
});
