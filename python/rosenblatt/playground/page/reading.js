// The prediction for a drawn digit: requested at every stroke, one request at a time, and shown as ten bars.

const at = (id) => document.getElementById(id);

export class Reading {
  /** `ask` is called with the strokes of `pad` and returns the server's answer; `changed` is called after each answer. */
  constructor(pad, ask, changed) {
    this.pad = pad;
    this.ask = ask;
    this.changed = changed;
    this.found = null; // the prediction for the drawing
    this.isAsking = false;
    this.isOld = false; // some strokes are newer than the last request
    for (let digit = 0; digit < 10; digit += 1) {
      const bar = document.createElement("li");
      bar.append(String(digit), document.createElement("i"));
      at("bars").append(bar);
    }
  }

  /** Request a prediction; strokes drawn in the meantime lead to one more request after the answer. */
  async read() {
    if (this.pad.strokes.length === 0) return;
    this.isOld = this.isAsking;
    if (this.isAsking) return;
    this.isAsking = true;
    const found = await this.ask(this.pad.strokes);
    this.isAsking = false;
    this.found = this.pad.strokes.length === 0 ? null : found;
    this.show();
    if (this.isOld) this.read();
    this.changed();
  }

  forget() {
    this.pad.clear();
    this.found = null;
    this.show();
  }

  show() {
    const shares = this.found?.probabilities ?? Array(10).fill(0);
    const most = shares.indexOf(Math.max(...shares));
    [...at("bars").children].forEach((bar, digit) => {
      bar.querySelector("i").style.setProperty("--share", shares[digit]);
      bar.classList.toggle("most", this.found !== null && digit === most);
      bar.title = `${(100 * shares[digit]).toFixed(1)} %`;
    });
    const words = this.found ? `Prediction: ${most}, with ${(100 * shares[most]).toFixed(0)} %.` : "Nothing drawn yet.";
    if (at("reading").textContent !== words) at("reading").textContent = words;
  }
}
