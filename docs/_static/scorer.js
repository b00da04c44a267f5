// What searching for words ranks first: answers, then pages, then the reference. The scores are
// Sphinx's own; names of functions and classes (of the kind "object") keep theirs.
var Scorer = {
  score: ([docname, title, anchor, description, score, filename, kind]) => {
    if (kind === "object") return score;
    if (docname === "questions") return score + 10;
    return docname.startsWith("reference/") ? score - 20 : score;
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
