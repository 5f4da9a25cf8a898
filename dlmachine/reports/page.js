'use strict';
const compare = new Intl.Collator(undefined, { numeric: true }).compare;

function sort(table, column, direction) {
    const rows = [...table.tBodies[0].rows].map(row => {
        const cell = row.cells[column];
        const text = cell.dataset.value;
        return { row, text: cell.innerText, number: text === undefined ? NaN : text === '' ? -1 : Number(text) };
    });
    const factor = direction === 'ascending' ? 1 : -1;
    rows.sort((a, b) => factor * (Number.isNaN(a.number) ? compare(a.text, b.text) : a.number - b.number));
    table.tBodies[0].append(...rows.map(each => each.row));
    [...table.tHead.rows[0].cells].forEach((head, index) =>
        index === column ? head.setAttribute('aria-sort', direction) : head.removeAttribute('aria-sort'));
}

for (const head of document.querySelectorAll('thead th')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.title = 'Sort by this column';
    button.addEventListener('click', () => sort(
        head.closest('table'), head.cellIndex,
        head.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending'));
    head.append(button);
}

const find = document.querySelector('.find');
if (find) {
    const rows = [...document.querySelectorAll('.files tbody tr')];
    const texts = rows.map(row => row.textContent.toLowerCase());
    const said = find.querySelector('output');
    find.hidden = false;
    find.querySelector('input').addEventListener('input', event => {
        const wanted = event.target.value.toLowerCase();
        let count = 0;
        rows.forEach((row, index) => { count += !(row.hidden = !texts[index].includes(wanted)); });
        said.textContent = wanted && `${count} of ${rows.length}`;
    });
}
