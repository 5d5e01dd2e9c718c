import type { Scenario } from "../scenario.ts";

export const SYSTEM: readonly Scenario[] = [
  {
    name: "system: version and info",
    steps: [
      "version --format '{{.Client.Os}} {{.Server.Os}} {{.Server.Arch}}'",
      {
        line: "version --format '{{json .Server}}'",
        shape: true,
        managed: [{
          says: /^> .*\.(?:BuildTime|Experimental|GoVersion).*\n/gm,
          now: "",
          why: "tsd isn't written in Go",
        }],
      },
      "version --format '{{.Nope}}'",
      "version --format '{{.Server'",
      "version x",
      {
        line: "info --format '{{json .}}'",
        shape: true,
        today: [{ says: /^> .*(?:Commit\.Expected|KernelMemory).*\n/gm, now: "", why: "gone from the API by 1.49" }],
        managed: [
          { says: /^> \.Runtimes.*containerd.*\n/gm, now: "", why: "there is no containerd" },
          {
            says: /^> \.Warnings\[\].*\n/gm,
            now: "",
            why: "nothing to warn of",
          },
        ],
        tsd: [{ says: /^> \.ClientInfo.*\n/gm, now: "", why: "client and engine are one executable" }],
      },
      "info --format '{{.OSType}} {{.Containers}} {{.ContainersRunning}} {{.ContainersPaused}} {{.ContainersStopped}} {{.Images}}'",
      "info --format '{{.DefaultRuntime}} {{.Swarm.LocalNodeState}} {{.IndexServerAddress}} {{.LoggingDriver}}'",
      "info --format '{{.Nope}}'",
      "info x",
      "frobnicate",
      "container frobnicate",
      "image frobnicate",
      { line: "--nope", hides: { stderr: "docker 20 shows its whole help, with the folders of the run" } },
      "logout @{host}",
      "login @{host} -u me -p ''",
      "login @{host} -u me",
    ],
  },
];
