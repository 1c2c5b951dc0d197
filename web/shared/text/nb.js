/**
 * Everything the pages say, in Norwegian bokmål. Short sentences, "du", no technical words, no blame.
 * A fault says what happened, and what to do now.
 * @module
 */

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count} ${count === 1 ? one : many}`;

export const nb = {
  language: "nb",
  product: "Venterom",

  /** @type {Record<string, string>} */
  roles: {
    practitioner: "behandler",
    patient: "pasient",
    guardian: "foresatt",
    companion: "pårørende",
    interpreter: "tolk",
    guest: "gjest",
  },

  preview: {
    patientTitle: "Gjør deg klar",
    clinicTitle: "Gjør deg klar",
    opening: "Vi åpner kameraet og mikrofonen. Svar ja hvis nettleseren spør.",
    self: "Bare du ser dette bildet.",
    selfVideo: "Ditt eget bilde",
    speak: "Si noe. Stripen blir grønn når vi hører deg.",
    heard: "Vi hører deg.",
    silent: "Mikrofonen er av. Slå den på for å prøve den.",
    camera: "Kamera",
    microphone: "Mikrofon",
    unnamedCamera: (/** @type {number} */ n) => `Kamera ${n}`,
    unnamedMicrophone: (/** @type {number} */ n) => `Mikrofon ${n}`,
    patientJoin: "Gå til venterommet",
    clinicJoin: "Gå inn",
    joining: "Kobler til …",
    patientNext: "Du kommer til et venterom. Ingen ser eller hører deg der.",
    clinicNext: "Pasienten ser deg først når du slipper pasienten inn.",
    notRecorded: "Samtalen blir ikke tatt opp.",
  },

  shownName: {
    told: (/** @type {string} */ name) => `De andre i samtalen ser navnet ditt: ${name}.`,
    choose: "Hva skal de andre se at du heter?",
    whole: (/** @type {string} */ name) => `Hele navnet: ${name}`,
    initials: (/** @type {string} */ letters) => `Bare initialene: ${letters}`,
    own: "Noe annet:",
    ownLabel: "Navnet de andre skal se",
    contact: "Lurer du på noe om dette, ring klinikken før du går inn.",
  },

  roster: {
    title: "Til stede",
    count: (/** @type {number} */ n) => `Til stede: ${n}`,
    button: (/** @type {number} */ n) => `${n} til stede`,
    self: (/** @type {string} */ name) => `${name} (deg)`,
    /** @type {Record<string, string>} */
    states: { held: "satt på vent", reconnecting: "har mistet forbindelsen" },
  },

  /** Said of one by name, and of many by their number. */
  company: {
    came: (/** @type {string} */ who) => `${who} er kommet inn.`,
    left: (/** @type {string} */ who) => `${who} har gått.`,
    back: (/** @type {string} */ who) => `${who} er tilbake.`,
    released: (/** @type {string} */ who) => `${who} er med igjen.`,
    screen: (/** @type {string} */ who) => `${who} deler skjermen.`,
    screenEnded: (/** @type {string} */ who) => `${who} deler ikke lenger skjermen.`,
  },

  share: {
    screen: "Del skjermen",
    picture: "Vis et bilde",
    stop: "Stopp deling",
    sharing: "Nå ser de andre det du deler.",
    stopped: "De andre ser ikke lenger det du delte.",
    failed: "Vi fikk ikke delt. Prøv en gang til.",
  },

  lobby: {
    title: "Du er i venterommet",
    next: "Du er den neste.",
    position: (/** @type {number} */ n) => `Du er nummer ${n} i køen.`,
    wait: "Vi sier fra her når det er din tur.",
    putAway: "Du kan legge fra deg telefonen, men la siden være åpen.",
    unseen: "Ingen ser eller hører deg nå.",
    noticeTitle: "Beskjed fra behandleren",
    delayed: (/** @type {number} */ minutes) => `Behandleren er forsinket, omtrent ${counted(minutes, "minutt", "minutter")}.`,
    worse: "Blir du verre mens du venter? Ring 116 117. Er det fare for liv, ring 113.",
    check: "Lyd og bilde",
    leave: "Forlat",
    back: "Behandleren har sendt deg tilbake til venterommet. Du trenger ikke å gjøre noe.",
  },

  call: {
    title: "Samtalen",
    you: "Deg",
    microphone: "Mikrofon",
    camera: "Kamera",
    on: "på",
    off: "av",
    more: "Mer",
    end: "Avslutt",
    notAlone: "Jeg er ikke alene",
    connecting: "Vi henter bilde og lyd …",
    alone: "Du er inne. De andre kommer straks.",
    clinicAlone: "Ingen er inne hos deg.",
    clinicAloneHelp: "Slipp inn den som venter, fra listen.",
    clinicEmpty: "Ingen venter nå. Vi sier fra når noen kommer.",
    cameraOff: (/** @type {string} */ name) => `${name} har slått av kameraet.`,
    microphoneOff: "Mikrofonen er av",
    lost: (/** @type {string} */ name) => `${name} har mistet forbindelsen og prøver igjen.`,
    onHold: (/** @type {string} */ name) => `${name} er satt på vent.`,
    ownMicrophoneOff: "Mikrofonen din er av. Ingen hører deg.",
    ownMicrophoneOn: "Mikrofonen din er på.",
    ownCameraOff: "Kameraet ditt er av. Ingen ser deg.",
    ownCameraOn: "Kameraet ditt er på.",
    ownCameraShort: "Kameraet er av",
    ownMicrophoneShort: "Mikrofonen er av",
    ownBothShort: "Kamera og mikrofon er av",
    encrypted: "Kryptert",
    moveSelf: "Flytt ditt eget bilde",
    speaks: "snakker",
    screenOf: (/** @type {string} */ name) => `${name} deler skjermen`,
    playSound: "Trykk her for å høre lyden",
    yourTurn: "Det er din tur. Nå ser og hører dere hverandre.",
    resuming: "Vi kobler deg til igjen. Svar ja hvis nettleseren spør om kameraet.",
    reconnecting: "Forbindelsen ble brutt. Vi kobler deg til igjen.",
    reconnectingLong: "Vi får ikke kontakt. Gå nærmere ruteren, eller bytt til mobilnett.",
    reconnected: "Du er tilkoblet igjen.",
    blocked: "Bilde og lyd kommer ikke fram. Prøv et annet nett, for eksempel mobilnett.",
    deviceLost: "Kameraet eller mikrofonen ble koblet fra. Velg en annen under Mer.",
    deviceSwitched: "Enheten ble koblet fra. Vi byttet til en annen.",
    refused: "Det gikk ikke. Prøv en gang til.",
    offline: "Du er uten nett akkurat nå. Vent litt, og prøv igjen.",
  },

  paused: {
    title: "Pause",
    unseen: "Ingen ser eller hører deg nå.",
    you: "Du har tatt en pause.",
    other: (/** @type {string} */ name) => `${name} har tatt en pause.`,
    somebody: "Det er tatt en pause.",
    noHost: "Behandleren er ikke her akkurat nå.",
    hostResumes: "Behandleren starter samtalen igjen. Du trenger ikke å gjøre noe.",
    hostReturns: "Samtalen går videre når behandleren er tilbake. La siden være åpen.",
    youResume: "Trykk «Fortsett» når dere er klare.",
    notAlone: (/** @type {string} */ name) => `${name} er ikke alene akkurat nå, og tok en pause.`,
    resumed: "Pausen er over. Dere ser og hører hverandre igjen.",
    heldTitle: "Du er satt på vent",
    held: "Behandleren henter deg inn igjen. La siden være åpen.",
    released: "Du er inne igjen. Dere ser og hører hverandre.",
  },

  more: {
    title: "Lyd og bilde",
    close: "Lukk",
    noSwitch: "Vi fikk ikke byttet. Er enheten i bruk et annet sted?",
  },

  clinic: {
    people: "Pasienter",
    waiting: "Venter",
    waitingCount: (/** @type {number} */ n) => counted(n, "venter", "venter"),
    nobodyWaits: "Ingen venter.",
    minutes: (/** @type {number} */ n) => (n < 1 ? "under 1 minutt" : counted(n, "minutt", "minutter")),
    arrived: (/** @type {string} */ name) => `${name} venter.`,
    admit: "Slipp inn",
    deny: "Avvis",
    toLobby: "Til venterommet",
    remove: "Fjern",
    hold: "Sett på vent",
    release: "Hent inn",
    pause: "Pause",
    resume: "Fortsett",
    /** @type {Record<string, string>} */
    states: { admitted: "Inne", held: "På vent", reconnecting: "Mistet forbindelsen" },
    removedBefore: "Avvist eller fjernet før",
    notice: "Meld forsinkelse",
    noticeTitle: "Meld forsinkelse",
    noticeHelp: "Alle som venter, ser beskjeden.",
    noticeMinutes: "Hvor lenge?",
    noticeOption: (/** @type {number} */ n) => (n === 0 ? "Ingen forsinkelse" : `Omtrent ${counted(n, "minutt", "minutter")}`),
    noticeText: "Egen beskjed (valgfritt)",
    noticeSend: "Send beskjed",
    noticeSent: "Beskjeden er sendt til dem som venter.",
    noticeTakenBack: "Beskjeden er tatt bort.",
    cancel: "Avbryt",
    tabWaiting: (/** @type {number} */ n) => `(${n}) Venter`,
  },

  end: {
    patientTitle: "Vil du avslutte samtalen?",
    patientText: "Du forlater samtalen. Trykk «Bli her» hvis du trykket feil.",
    lobbyTitle: "Vil du forlate venterommet?",
    lobbyText: "Du mister plassen din i køen.",
    patientConfirm: "Avslutt",
    lobbyConfirm: "Forlat",
    patientCancel: "Bli her",
    clinicTitle: "Vil du avslutte for alle?",
    clinicText: "Alle som er inne eller venter, blir koblet fra.",
    clinicConfirm: "Avslutt for alle",
    clinicLeave: "Gå ut uten å avslutte",
    clinicCancel: "Bli her",
  },

  /** @type {Record<string, { title: string, text: string, again?: string }>} */
  ended: {
    ended: { title: "Samtalen er avsluttet", text: "Behandleren har avsluttet samtalen. Du kan lukke siden." },
    left: { title: "Du har forlatt samtalen", text: "Du kan lukke siden. Gikk du ut ved en feil, kan du gå inn igjen.", again: "Gå inn igjen" },
    removed: { title: "Du er ikke lenger med i samtalen", text: "Behandleren har avsluttet samtalen for deg. Ring klinikken hvis du lurer på noe." },
    denied: { title: "Behandleren kan ikke ta imot deg nå", text: "Ring klinikken for å avtale hva dere gjør videre." },
    taken_over: { title: "Samtalen er åpnet et annet sted", text: "Du bruker samtalen i et annet vindu eller på en annen enhet.", again: "Bruk den her" },
    expired: { title: "Tiden for samtalen er ute", text: "Ring klinikken hvis du trenger en ny time." },
    gone: { title: "Plassen din er ikke lenger åpen", text: "Samtalen kan være avsluttet. Du kan prøve å gå inn igjen.", again: "Gå inn igjen" },
    clinic: { title: "Konsultasjonen er avsluttet", text: "Alle er koblet fra. Du kan lukke siden." },
    clinicLeft: { title: "Du har gått ut", text: "Konsultasjonen er ikke avsluttet. Du kan gå inn igjen.", again: "Gå inn igjen" },
  },

  faults: {
    retry: "Prøv igjen",
    codeLabel: "Feilkode",
    help: "Hjelper det ikke, ring klinikken og les opp feilkoden.",
    /** @param {string | null} clinic @param {string} phone */
    call: (clinic, phone) => `Ring ${clinic ?? "klinikken"}: ${phone}`,
    noNumber: "Har du ikke nummeret? Spør den timen er for.",
    today: "i dag",
    /** @param {string} day @param {string} time */
    opens: (day, time) => `Døren åpner ${day} klokken ${time}.`,
    /** @type {Record<string, { title: string, text: string, steps?: string[], retry?: boolean, help?: boolean }>} */
    all: {
      permission_denied: {
        title: "Vi får ikke bruke kameraet og mikrofonen",
        text: "Nettleseren har sagt nei for denne siden. Slik sier du ja:",
        steps: ["Trykk på hengelåsen eller ikonet ved adressen øverst.", "Velg «Tillat» for kamera og mikrofon.", "Kom tilbake hit og trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      no_camera: {
        title: "Vi finner ikke noe kamera",
        text: "Du trenger et kamera for å være med.",
        steps: ["Koble til et kamera, eller åpne lenken på en telefon.", "Trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      no_microphone: {
        title: "Vi finner ingen mikrofon",
        text: "Du trenger en mikrofon for å være med.",
        steps: ["Koble til en mikrofon, eller åpne lenken på en telefon.", "Trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      device_busy: {
        title: "Kameraet eller mikrofonen er i bruk",
        text: "Et annet program bruker dem nå.",
        steps: ["Lukk andre programmer som viser bilde eller bruker lyd.", "Trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      device_failed: {
        title: "Kameraet eller mikrofonen virker ikke",
        text: "Vi fikk ikke åpnet dem.",
        steps: ["Koble dem fra og til, eller start enheten på nytt.", "Trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      unsupported: {
        title: "Denne nettleseren er for gammel",
        text: "Åpne lenken i en nyere nettleser. Chrome, Edge, Firefox og Safari kan brukes.",
        steps: ["Oppdater nettleseren, eller last ned en av disse.", "Åpne den samme lenken der."],
        help: true,
      },
      insecure: {
        title: "Siden er ikke åpnet på en trygg måte",
        text: "Nettleseren gir ikke tilgang til kameraet her. Åpne lenken du fikk, en gang til.",
        help: true,
      },
      link_missing: {
        title: "Vi mangler lenken din",
        text: "Åpne lenken du fikk på SMS eller e-post, en gang til. Den må være hel.",
        help: true,
      },
      link_unknown: {
        title: "Lenken virker ikke",
        text: "Den er kanskje utløpt eller ikke hel. Åpne lenken du fikk, en gang til.",
        steps: ["Hjelper det ikke, ring klinikken og be om en ny lenke."],
        retry: true,
      },
      join_too_early: {
        title: "Du er tidlig ute",
        text: "Timen din står. Åpne den samme lenken når det nærmer seg.",
        retry: true,
        help: true,
      },
      join_too_late: {
        title: "Timen er over",
        text: "Det er ikke mulig å gå inn nå. Ring klinikken hvis du trenger en ny time.",
      },
      link_revoked: {
        title: "Lenken gjelder ikke lenger",
        text: "Du har fått en nyere lenke fra oss. Bruk den nyeste meldingen.",
        steps: ["Finner du den ikke, ring klinikken."],
      },
      login_required: {
        title: "Du må logge inn",
        text: "Denne timen krever innlogging. Ring klinikken hvis du ikke får det til.",
      },
      wrong_person: {
        title: "Timen er for en annen",
        text: "Du er logget inn som en annen enn den timen er for. Ring klinikken.",
      },
      video_off: {
        title: "Klinikken har ikke timer på video",
        text: "Ring klinikken, så hjelper de deg.",
      },
      appointment_not_video: {
        title: "Timen er ikke på video",
        text: "Møt opp på klinikken. Ring klinikken hvis du er i tvil.",
      },
      appointment_cancelled: {
        title: "Timen er avlyst",
        text: "Ring klinikken hvis du trenger en ny time.",
      },
      grant_expired: {
        title: "Lenken er for gammel",
        text: "Du brukte litt for lang tid. Åpne lenken du fikk, en gang til.",
        steps: ["Hjelper det ikke, ring klinikken og be om en ny lenke."],
      },
      grant_replayed: {
        title: "Lenken er brukt før",
        text: "Den kan bare brukes én gang. Ring klinikken og be om en ny lenke.",
      },
      grant_invalid: {
        title: "Lenken virker ikke",
        text: "Vi kjenner ikke igjen lenken. Åpne lenken du fikk, en gang til.",
        steps: ["Hjelper det ikke, ring klinikken og be om en ny lenke."],
      },
      room_ended: {
        title: "Samtalen er avsluttet",
        text: "Det er ikke mulig å gå inn igjen. Ring klinikken hvis du trenger en ny time.",
      },
      room_full: {
        title: "Samtalen er full",
        text: "Det er ikke plass til flere. Ring klinikken.",
        retry: true,
      },
      overloaded: {
        title: "Det er for mange samtaler nå",
        text: "Vi kan ikke starte flere akkurat nå. Det er ikke din feil, og timen din er der fortsatt.",
        steps: ["Vent et par minutter.", "Trykk «Prøv igjen».", "Kommer du ikke inn, ring klinikken."],
        retry: true,
      },
      network: {
        title: "Vi får ikke kontakt",
        text: "Nettet ditt eller tjenesten svarer ikke.",
        steps: ["Sjekk at du er på nett.", "Er nettet dårlig hjemme, prøv mobilnett.", "Trykk «Prøv igjen»."],
        retry: true,
        help: true,
      },
      internal: {
        title: "Noe gikk galt hos oss",
        text: "Det er ikke din feil. Vent litt, og prøv igjen.",
        steps: ["Hjelper det ikke, ring klinikken og les opp feilkoden."],
        retry: true,
      },
    },
    /** Codes that say the same to a person. @type {Record<string, string>} */
    same: {
      consultation_ended: "room_ended",
      guardian_ended: "wrong_person",
      guests_not_allowed: "wrong_person",
      grant_wrong_room: "grant_invalid",
      grant_revoked: "grant_replayed",
      link_expired: "grant_expired",
      link_used: "grant_replayed",
      rate_limited: "network",
      timeout: "network",
      closed: "network",
    },
  },
};

/** @typedef {typeof nb} Texts */
