// Typesetting: plain text like "delta_2^(3)" as elements with subscripts and superscripts.

const TOKEN = /([A-Za-z]+'?)(?:_(\d+(?:,\d+)?|[a-z]{1,2}(?![a-z_])))?(?:\^\((\d+)\)(T\b)?)?|\^(\d+(?:\.\d+)?|[a-z]+)/g;
const GREEK = { delta: "δ", epsilon: "ε", gamma: "γ", tau: "τ", mu: "μ", Phi: "Φ", phi: "φ", Delta: "Δ", sum: "∑" };

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** A word, with the names of Greek letters replaced by the letters; a "d" before a symbol marks a derivative. */
function word(name, hasIndex) {
  const derivative = hasIndex && name.length > 1 && name[0] === "d" && !GREEK[name];
  const rest = derivative ? name.slice(1) : name;
  const bare = rest.replace("'", "");
  return (derivative ? "d" : "") + (GREEK[bare] ?? bare) + (rest.endsWith("'") ? "′" : "");
}

/** The text as nodes, ready to append. */
export function typeset(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, name, index, layer, transposed, power] = match;
    nodes.push(text.slice(end, match.index));
    if (power !== undefined) {
      nodes.push(element("sup", power));
    } else {
      nodes.push(word(name, index !== undefined || layer !== undefined));
      if (index !== undefined) nodes.push(element("sub", index));
      if (layer !== undefined) nodes.push(element("sup", `(${layer})${transposed ?? ""}`));
    }
    end = match.index + token.length;
  }
  nodes.push(text.slice(end));
  return nodes;
}
