/* What the pages add when JavaScript is there. Every page works without it; htmx swaps, this helps people along. */
(() => {
  'use strict'
  const doc = document
  const all = (selector, within = doc) => [...within.querySelectorAll(selector)]
  const byId = id => doc.getElementById(id)
  doc.documentElement.classList.add('js')

  const say = text => {
    const region = byId('say')
    region.textContent = ''
    setTimeout(() => { region.textContent = text }, 80)
  }

  // Copy buttons: data-copy is the text.
  const copy = async button => {
    const text = button.dataset.copy
    let done = true
    try { await navigator.clipboard.writeText(text) } catch {
      const area = doc.createElement('textarea')
      area.value = text
      area.className = 'sr'
      doc.body.append(area)
      area.select()
      done = doc.execCommand('copy')
      area.remove()
      button.focus()
    }
    say(done ? 'Copied' : 'Your browser did not allow copying. Select the text instead.')
    if (!done) return
    button.classList.add('copied')
    setTimeout(() => button.classList.remove('copied'), 1600)
  }

  // data-when="field=value": only the fieldset of the chosen answer is shown and sent.
  const arrange = () => {
    for (const part of all('[data-when]')) {
      const [name, value] = part.dataset.when.split('=')
      const chosen = all('input:checked', part.form).find(input => input.name === name)
      part.hidden = part.disabled = !chosen || chosen.value !== value
    }
    for (const hint of all('[data-when-none]')) {
      hint.hidden = all('.group', hint.parentElement).some(group => !group.hidden)
    }
    // Without JavaScript the first submit button of a form is "Find"; with it Enter must mean "Continue".
    for (const button of all('button.find')) button.type = 'button'
  }

  // Pickers: a search box above a list, and a card of the chosen entry.
  const listOf = picker => picker.querySelector('select')
  const showChosen = picker => {
    const option = listOf(picker).selectedOptions[0]
    const card = picker.querySelector('[data-chosen]')
    card.hidden = !option
    if (!option) return
    const tick = card.querySelector('use')
    tick.setAttribute('href', tick.getAttribute('href').replace(/#.*/, '#circle-check'))
    card.querySelector('.tile').classList.remove('lost')
    const [title, ...rest] = option.text.split(' — ')
    const lines = rest.join(' — ').split(' · ').filter(line => line && !line.startsWith(option.value))
    card.querySelector('[data-chosen-title]').textContent = title
    card.querySelector('[data-chosen-lines]').replaceChildren(...lines.map(line => {
      const span = doc.createElement('span')
      span.textContent = line
      return span
    }))
    card.querySelector('[data-chosen-id]').textContent = option.value
  }
  const pickFirst = picker => {
    picker.pickFirst = false
    const option = all('option', listOf(picker)).find(each => each.value && !each.kept)
    if (!option) return
    option.selected = true
    showChosen(picker)
  }
  const searchKey = event => {
    const picker = event.target.closest('[data-picker]')
    const list = listOf(picker)
    if (event.key === 'ArrowDown') {
      event.preventDefault()
      const chosen = list.selectedOptions[0]
      if (event.target.value && (!chosen?.value || chosen.kept)) pickFirst(picker)
      else if (!chosen) list.selectedIndex = 0
      list.focus()
      showChosen(picker)
    } else if (event.key === 'Enter') {
      event.preventDefault() // never submits the step
      const query = event.target.value
      // The answer to what was just typed may still be on its way: never pick from an older list.
      if ((picker.loaded ?? event.target.defaultValue) === query) { if (query) pickFirst(picker) } else picker.pickFirst = true
    }
  }
  const listKey = event => {
    if (event.key !== 'Enter') return
    event.preventDefault() // it would send the step, past the fields that stand below
    const list = event.target
    if (!list.selectedOptions.length) return
    const fields = [...list.form.elements]
    fields.slice(fields.indexOf(list) + 1).find(each => each.offsetParent && !each.matches(':disabled'))?.focus()
  }
  const keepChosen = (picker, before) => {
    const list = listOf(picker)
    if (before) {
      const same = all('option', list).find(option => option.value === before.value)
      if (!same) {
        before.kept = true
        list.prepend(before)
      }
      (same || before).selected = true
    }
    if (picker.pickFirst && picker.loaded === picker.querySelector('[type=search]').value) pickFirst(picker)
  }

  // A banner when htmx could not reach the portal, or the portal failed.
  const trouble = (text, reload) => {
    const place = byId('trouble')
    if (place.dataset.text === text) return
    place.dataset.text = text
    place.replaceChildren()
    if (!text) return
    const words = doc.createElement('p')
    words.textContent = text
    const button = doc.createElement('button')
    button.className = 'button small'
    button.textContent = reload ? 'Load again' : 'Close'
    button.addEventListener('click', () => reload ? location.reload() : trouble(''))
    place.append(words, button)
    place.scrollIntoView({ block: 'nearest' })
  }
  const failed = (event, what) => {
    const typing = event.detail.elt.matches('form, input') // loading again would lose what was typed
    trouble(`${what} ${typing ? 'What you filled in is still here; try again in a moment.' : 'Nothing is lost.'}`, !typing)
  }
  doc.addEventListener('htmx:sendError', event => failed(event, 'The portal could not be reached. Is the network there?'))
  doc.addEventListener('htmx:timeout', event => failed(event, 'The portal did not answer in time.'))
  doc.addEventListener('htmx:responseError', event => {
    const { status } = event.detail.xhr
    failed(event, status === 403 ? 'This was refused. Perhaps you signed in anew in another tab; load the page again.' : `The portal could not do this (error ${status}).`)
  })
  doc.addEventListener('htmx:afterRequest', event => { if (event.detail.successful) trouble('') })

  // allauth's passkey scripts tell here what the browser did not do; the person cancelled, or has none for this portal.
  doc.addEventListener('allauth.error', event => {
    event.preventDefault()
    const { exception } = event.detail
    const told = { InvalidStateError: 'This device already has a passkey of your account.', SecurityError: 'Passkeys work only at the portal\u2019s own name, over HTTPS.' }
    trouble(told[exception.name] || 'No passkey was used. Try again, or go another way.')
  })

  // Around a swap: keep open what was open, and take the person to where the news is.
  let before = {}
  doc.addEventListener('htmx:beforeSwap', ({ detail: { target } }) => {
    before = {
      open: all('details[open][id]', target).map(each => each.id),
      said: target.querySelector('[data-say]')?.dataset.say,
      option: target.matches('.options') && target.querySelector('select')?.selectedOptions[0],
    }
  })
  doc.addEventListener('htmx:afterSwap', ({ detail: { target, requestConfig } }) => {
    const fresh = byId(target.id) || doc
    for (const id of before.open || []) { const each = byId(id); if (each) each.open = true }
    if (target.matches('.options')) {
      const picker = fresh.closest('[data-picker]')
      picker.loaded = new URLSearchParams(requestConfig.parameters).get(picker.querySelector('[type=search]').name) ?? ''
      keepChosen(picker, before.option)
      say(fresh.querySelector('.count').textContent)
    }
    const news = fresh.querySelector('[data-say]')?.dataset.say
    if (news && news !== before.said) say(news)
    arrange()
  })
  doc.addEventListener('htmx:afterSettle', ({ detail: { target, requestConfig } }) => {
    if (target.id !== 'wizard') return
    if (!['submit', 'click'].includes(requestConfig?.triggeringEvent?.type)) return
    toTheNews()
  })
  const toTheNews = () => (byId('errors') || byId('problem') || byId('step-title'))?.focus({ preventScroll: true })
  // An answer at the same address (a form with errors) is no new page in the history.
  doc.addEventListener('htmx:beforeHistoryUpdate', ({ detail: { history } }) => {
    const there = new URL(history.path, location)
    if (there.pathname + there.search === location.pathname + location.search) history.type = 'replace'
  })

  // Plain forms: a second click while the first is on its way does nothing. The focus stays.
  const free = form => {
    delete form.dataset.busy
    for (const button of all('[aria-disabled]', form)) {
      button.removeAttribute('aria-disabled')
      if (button.was) button.replaceChildren(...button.was)
    }
  }
  doc.addEventListener('submit', event => {
    const form = event.target
    if (event.defaultPrevented || form.method !== 'post') return
    if (form.dataset.busy) return event.preventDefault()
    form.dataset.busy = 'true'
    const button = event.submitter
    setTimeout(() => { // after the browser has read the form
      if (!button) return
      button.setAttribute('aria-disabled', 'true')
      if (!button.dataset.busy) return
      button.was = [...button.childNodes]
      button.replaceChildren(button.dataset.busy)
      say(button.dataset.busy)
    })
    setTimeout(free, 8000, form)
  })
  addEventListener('pageshow', () => { all('form[data-busy]').forEach(free); arrange() })

  doc.addEventListener('click', event => {
    const button = event.target.closest('[data-copy]')
    if (button) copy(button)
    if (event.target.closest('[data-print]')) print()
    const link = event.target.closest('#errors a')
    const wanted = link && byId(link.hash.slice(1))
    if (wanted) {
      event.preventDefault()
      const field = wanted.matches('input, select, textarea') ? wanted : wanted.querySelector('input') || wanted
      field.focus()
    }
    for (const menu of all('.menu[open]')) if (!menu.contains(event.target)) menu.open = false
  })
  doc.addEventListener('keydown', event => {
    if (event.target.matches?.('[data-picker-search]')) searchKey(event)
    if (event.target.matches?.('[data-picker] select')) listKey(event)
    if (event.key !== 'Escape') return
    for (const menu of all('.menu[open]')) { menu.open = false; menu.firstElementChild.focus() }
  })
  doc.addEventListener('change', event => {
    arrange()
    const picker = event.target.matches('select') && event.target.closest('[data-picker]')
    if (picker) showChosen(picker)
  })
  doc.addEventListener('DOMContentLoaded', () => {
    arrange()
    if (byId('errors') || byId('problem')) toTheNews()
  })
  addEventListener('beforeprint', () => { for (const each of all('.fold')) each.open = true })
})()
