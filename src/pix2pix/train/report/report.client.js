// Runs inside report.html, after uPlot: draws the curves and switches between the sample pictures.
(() => {
  const slider = document.getElementById('when');
  if (slider) {
    const pictures = [...document.querySelectorAll('.samples img')];
    const shown = document.getElementById('shown');
    const show = () => {
      pictures.forEach((picture, i) => {
        picture.hidden = i !== slider.valueAsNumber;
      });
      const text = `step ${Number(pictures[slider.valueAsNumber].dataset.step).toLocaleString('en')}`;
      shown.textContent = text;
      slider.setAttribute('aria-valuetext', text);
    };
    slider.addEventListener('input', show);
    show();
  }

  const charts = JSON.parse(document.getElementById('curves').textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const sync = uPlot.sync('step');
  let plots = [];

  /**
   * Centred moving average, since GAN losses jump from batch to batch. The window narrows towards both ends, so that the
   * curve neither lags nor stops short.
   */
  function smooth(values) {
    const reach = Math.floor(values.length / 50);
    return values.map((_, i) => {
      const side = Math.min(reach, i, values.length - 1 - i);
      const near = values.slice(i - side, i + side + 1).filter((value) => value !== null);
      return near.length === 0 ? null : near.reduce((sum, value) => sum + value, 0) / near.length;
    });
  }

  const format = (value) =>
    value == null ? '–' : Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 });

  function draw(chart) {
    const box = document.getElementById(chart.id);
    const data = [chart.steps, chart.values, smooth(chart.values)];
    const value = (_, v) => format(v);
    const series = [
      { label: 'step', value: (_, v) => (v == null ? '–' : v.toLocaleString('en')) },
      { label: 'as logged', stroke: `${colour('train')}55`, width: 1, points: { show: false }, value },
      { label: 'smoothed', stroke: colour('train'), width: 2, points: { show: false }, value },
    ];
    if (chart.heldOut) {
      data.push(chart.heldOut);
      series.push({
        label: 'held-out',
        stroke: colour('held-out'),
        width: 2,
        spanGaps: true,
        points: { show: true, size: 6, fill: colour('held-out') },
        value,
      });
    }
    if (chart.baseline) {
      data.push(chart.steps.map(() => chart.baseline.value));
      series.push({
        label: chart.baseline.label,
        stroke: colour('baseline'),
        width: 1.5,
        dash: [6, 5],
        points: { show: false },
        value,
      });
    }
    const axis = {
      stroke: colour('quiet'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { stroke: colour('grid'), width: 1 },
    };
    const thousands = (_, ticks) => ticks.map((tick) => tick.toLocaleString('en'));
    const wholeSteps = [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6].flatMap((power) => [power, 2 * power, 5 * power]);
    const options = {
      width: box.clientWidth,
      height: chart.wide ? 300 : 220,
      scales: { x: { time: false } },
      cursor: { sync: { key: sync.key, scales: ['x', null] }, y: false },
      axes: [
        { ...axis, values: thousands, space: 70, incrs: wholeSteps },
        { ...axis, size: 56, values: (_, ticks) => ticks.map(format) },
      ],
      series,
    };
    return new uPlot(options, data, box);
  }

  function redraw() {
    for (const plot of plots) plot.destroy();
    plots = charts.map(draw);
  }

  redraw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  addEventListener('resize', () => {
    charts.forEach((chart, i) => {
      plots[i].setSize({ width: document.getElementById(chart.id).clientWidth, height: plots[i].height });
    });
  });
})();
