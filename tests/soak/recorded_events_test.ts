/** Events over engines that are killed at any moment. Minutes long. */
import { killsAmongRequests } from "../engine/recorded_events.ts";
import { requires } from "../requires.ts";
import { print } from "./figures.ts";

const KILLS = 100;

Deno.test(`${KILLS} kills among requests: nothing that was answered is untold`, requires("root", "runc"), async () => {
  print("events over kills", JSON.stringify(await killsAmongRequests({ kills: KILLS, intervalMs: 700 })));
});
