export interface ProgressBar {
  /** `fraction` is 0 to 1. */
  show(fraction: number, label: string): void;
  end(): void;
}

const WIDTH = 30;

/** A bar on one line of a terminal; on anything else a line for each tenth. */
export function progressBar(stream: NodeJS.WriteStream = process.stderr): ProgressBar {
  let lastTenth = -1;
  return {
    show(fraction, label) {
      const share = Math.min(1, Math.max(0, fraction));
      const percent = `${Math.round(share * 100)}%`.padStart(4);
      if (stream.isTTY) {
        const full = Math.round(share * WIDTH);
        const bar = "#".repeat(full) + "-".repeat(WIDTH - full);
        stream.write(`\r\x1b[K[${bar}] ${percent} ${label.slice(0, 40)}`);
        return;
      }
      const tenth = Math.floor(share * 10);
      if (tenth > lastTenth) stream.write(`${percent} ${label}\n`);
      lastTenth = tenth;
    },
    end() {
      if (stream.isTTY) stream.write("\r\x1b[K");
    },
  };
}
