import { strict as assert } from "node:assert";
import { SILENT_LOG } from "../../log.ts";
import { DockerUserChain } from "./docker_user_chain.ts";
import { programPath } from "./host_programs.ts";

Deno.test("who starts at once puts one rule into DOCKER-USER, and all of several are taken away", async () => {
  let rules = 0;
  const user = new DockerUserChain({
    log: SILENT_LOG,
    name: "t",
    kernel: {
      policyOf: ({ family }) => Promise.resolve(family === "ip" ? "drop" as const : undefined),
      hasRuleWith: () => Promise.resolve(rules > 0),
    },
    run: async (path, args) => {
      await Promise.resolve();
      // Machines with legacy rules are asked for those, too.
      if (!path.endsWith("/iptables-nft")) return { exitCode: 0, stdout: "", stderr: "" };
      if (args.includes("-I")) rules++;
      if (args.includes("-D")) rules--;
      return { exitCode: 0, stdout: "-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n", stderr: "" };
    },
  });
  await Promise.all([user.settle(), user.settle(), user.settle()]);
  assert.equal(rules, programPath("iptables-nft") === undefined ? 0 : 1);
  if (rules > 0) rules = 3;
  await user.remove();
  assert.equal(rules, 0);
});
