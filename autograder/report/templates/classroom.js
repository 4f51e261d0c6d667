"use strict";
// Sorts and filters the table of the class. Without it the page shows everything, in order.
const table = document.getElementById("roster");
if (table) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const text = document.getElementById("filter-text");
  const state = document.getElementById("filter-state");
  const mistake = document.getElementById("filter-mistake");
  const shown = document.getElementById("shown");
  const words = rows.map((row) => row.textContent.toLowerCase());

  const filter = () => {
    const wanted = text.value.trim().toLowerCase();
    let count = 0;
    rows.forEach((row, place) => {
      const fits =
        words[place].includes(wanted) &&
        (!state.value || row.dataset.state.split("|").includes(state.value)) &&
        (!mistake.value || row.dataset.mistakes.split(" ").includes(mistake.value));
      row.hidden = !fits;
      count += fits;
    });
    shown.textContent = `${count} of ${rows.length} students shown`;
  };

  // A number where the cell has one; what is missing comes last either way.
  const value = (row, column) => row.cells[column].dataset.value;
  const compare = (a, b, column, sign) => {
    const [x, y] = [value(a, column), value(b, column)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const apart = x - y;
    return sign * (Number.isNaN(apart) ? x.localeCompare(y) : apart);
  };
  const sort = (button) => {
    const header = button.closest("th");
    const down = header.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("[aria-sort]").forEach((th) => th.setAttribute("aria-sort", "none"));
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = Number(button.dataset.column);
    body.append(...rows.slice().sort((a, b) => compare(a, b, column, down ? -1 : 1)));
  };

  for (const control of [text, state, mistake]) control.addEventListener("input", filter);
  table.addEventListener("click", (event) => {
    const button = event.target.closest(".sort");
    if (button) sort(button);
  });
  document.querySelectorAll(".only").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => {
      text.value = state.value = "";
      mistake.value = button.dataset.mistake;
      filter();
      document.getElementById("class").scrollIntoView();
      mistake.focus({ preventScroll: true });
    });
  });
  document.getElementById("controls").hidden = false;
  filter();
}
