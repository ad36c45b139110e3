// Why a scene was found, in words; the exact numbers are one step further.

import { el } from "./dom.js";
import { date, likelihood, ordinal } from "./text.js";

const STRONG = 0.75; // relevance is a likelihood: of four such scenes three answer the question
const FAIR = 0.5; // as likely as not, which is the floor of a usual search; weaker ones are seen if they are asked for
const FAR = 10; // a rank behind this says little, and is drawn so
const WORDS = {
  transcript: ["Said, by meaning", "What is said means something close to the question"],
  transcript_sparse: ["Said, same words", "What is said has words of the question"],
  visual: ["Seen", "The picture shows something close to the question"],
  caption: ["Described", "The description of the picture means something close to the question"],
  image: ["Looks alike", "The picture looks like the one that was given"],
};
const WORDS_OF_SIMILAR = {
  transcript: ["Says the like", "What is said means something close"],
  transcript_sparse: ["Shares words", "The same words are said"],
  visual: ["Looks alike", "The pictures look alike"],
  caption: ["Described alike", "The descriptions mean something close"],
};

/** "Said, by meaning" for "transcript". */
export function listWords(list, similar = false) {
  return ((similar && WORDS_OF_SIMILAR[list]) || WORDS[list] || [list, list])[0];
}

function sentence(list, similar) {
  return ((similar && WORDS_OF_SIMILAR[list]) || WORDS[list] || [list, list])[1];
}

/** Badges that open to a table with ranks, scores, weights and what they add up to. */
export function whyDetails(hit, toyLists, similar) {
  const badges = hit.why.map((reason) => {
    const toy = toyLists.has(reason.list);
    const title = `${sentence(reason.list, similar)}: ${ordinal(reason.rank)} of that list, score ${reason.score.toFixed(3)}`;
    return el("span", { class: reason.rank > FAR ? "badge far" : "badge", "data-list": reason.list, title: toy ? `${title}; by a toy model` : title },
      `${listWords(reason.list, similar)} · ${ordinal(reason.rank)}`);
  });
  const rows = hit.why.map((reason) => el("tr", {},
    el("th", { scope: "row" }, listWords(reason.list, similar), toyLists.has(reason.list) && el("span", { class: "toy" }, " toy")),
    ...[String(reason.rank), reason.score.toFixed(4), String(reason.weight), reason.contribution.toFixed(5)].map(
      (number) => el("td", {}, number))));
  const heads = ["Found by", "Rank", "Score", "Weight", "Adds"].map((head) => el("th", { scope: "col" }, head));
  const relevance = hit.relevance === null ? "not known for these models" : hit.relevance.toFixed(3);
  return el("details", { class: "why" },
    el("summary", {}, el("span", { class: "hidden-text" }, "Why it was found: "), badges),
    el("table", {}, el("thead", {}, el("tr", {}, heads)), el("tbody", {}, rows)),
    el("p", { class: "quiet" }, `Score ${hit.score.toFixed(5)} (for the order within one answer). Relevance ${relevance}. `
      + `Indexed ${date(hit.indexed_at)}.`));
}

/** How sure it is that the scene answers the question; null where the models cannot say. */
export function relevanceMark(relevance) {
  if (relevance === null) return null;
  const [strength, words] = relevance >= STRONG ? ["strong", "Strong match"] : relevance >= FAIR ? ["fair", "Fair match"] : ["weak", "Weak match"];
  return el("span", { class: `relevance ${strength}`, title: `Relevance ${relevance.toFixed(3)} of 1` }, `${words}, ${likelihood(relevance)}`);
}
