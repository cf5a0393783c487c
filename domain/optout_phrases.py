"""The words and phrases by which people ask us to stop, to start again or for help, as tables; no logic.

Everything here is matched against `optout.plain` text: lower case, no accents, no apostrophes, fillers
("please", "just", "now") removed, ` , ` for a comma, one sentence at a time. The seven English words that
revoke consent by themselves are in 47 CFR 64.1200(a)(10); carriers and providers add STOPALL and OPTOUT
(CTIA Messaging Principles 5.1.3; Twilio's default keywords). A plain `(` groups and captures nothing: `optout`
reads it as `(?:`.
"""

# ruff: noqa: E501, SIM905  (a pattern is read in one piece; a list of words is read as words)

SPELLINGS: dict[str, str] = {
    **dict.fromkeys(("u", "ya'll", "yall"), "you"),
    **dict.fromkeys(("ur", "yr", "youre"), "your"),
    **dict.fromkeys(
        ("pls", "plz", "plse", "pleas", "plese", "pleaze", "porfa", "porfavor", "xfavor"), "please"
    ),
    **dict.fromkeys(("thx", "ty", "tks", "thank", "gracias"), "thanks"),
    **dict.fromkeys(("txting", "textin", "txtin"), "texting"),
    **dict.fromkeys(("msging", "messagin", "mesaging", "messeging"), "messaging"),
    **dict.fromkeys(("txts", "sms", "smss", "mms"), "texts"),
    **dict.fromkeys(("msg", "mesage", "messge"), "message"),
    **dict.fromkeys(("msgs", "mesages", "messges", "msges"), "messages"),
    **dict.fromkeys(("msj", "msjs", "mjs", "sms's", "mensages", "mensaje"), "mensajes"),
    **dict.fromkeys(("unsub", "unsuscribe", "unsubcribe", "unsubscibe", "unsubscrib"), "unsubscribe"),
    **dict.fromkeys(("fuckin", "fking", "effing", "freaking", "damn", "goddamn"), "fucking"),
    "wanna": "want to",
    "gonna": "going to",
    "q": "que",
    "rn": "now",
    "stahp": "stop",
    "txt": "text",
}
RESPELLED: tuple[tuple[str, str], ...] = (
    (r"\b(do not|do nt|don t|dnt)\b", "dont"),
    (r"\b(will not|won t)\b", "wont"),
    (r"\b(can not|cannot|can t)\b", "cant"),
    (r"\bdid not\b", "didnt"),
    (r"\b(i am|i m)\b", "im"),
    (r"\bany more\b", "anymore"),
    (r"\bunsubs?c?ri?b?e?\b", "unsubscribe"),
    (r"\bopt ?out\b|\boptout\b", "opt out"),
    (r"\bopt ?in\b|\boptin\b", "opt in"),
    (r"\bthank you\b|\bthanks you\b", "thanks"),
    (r"\b(right now|right away|at once|de una vez|ahora mismo)\b", "now"),
    (r"\b(por favor|x favor|if you please)\b", "please"),
    (r"\b(the hell|the fuck|tf)\b", "fucking"),
)
FILLERS = frozenset("please kindly just now fucking immediately asap already simply".split())
"""Taken out before phrases are matched."""
COURTESIES = FILLERS | frozenset(
    "thanks ok okay hi hello hey sir maam ma'am bye ya hola senor bro man dude guys lady wtf".split()
)
"""May stand beside a keyword without making it less of one ("STOP please")."""

STOP_WORDS = frozenset(
    "stop stopall unsubscribe end quit revoke optout arret arreter desabonner "
    "alto basta baja pare paren parar detener detengan detenganse desuscribir desuscribirme desinscribir".split()
)
BARE_STOP_WORDS = frozenset({"cancel"})
"""An opt-out by law when it is the whole message; one more word and it is about an appointment."""
TYPOS = frozenset("stpo sotp tsop stp stopp sttop stoip sstop stopo stopn stopstop stopstopstop".split())
MAYBE_WORDS = frozenset(
    "enough spam cancelar para fin salir dnc blocked scam remove unwanted srop dtop atop sto stoo borrar unsubscribed".split()
)
START_WORDS = frozenset(
    "start unstop subscribe resubscribe alta empezar comenzar iniciar reanudar suscribir suscribirme".split()
)
HELP_WORDS = frozenset("help info ayuda informacion aide".split())

_TELLING = (
    r"(texting|messaging|contacting|writing|bothering|harassing|spamming|bugging|annoying|pestering|emailing"
    r"|calling|hounding|blowing up)"
)
_TELL = r"(text|texting|message|contact|write|bother|email|spam|harass|send)"
_ME = r"(me|us|this (number|phone|line|person)|(my|our) (number|phone|cell|line)|here)"
_SORT = (
    r"(all|any|anymore|these|those|this|that|the|your|more|so many|fucking|stupid|spam|marketing|text|sms|promo"
    r"|promotional|automated|unwanted|unsolicited|of|kind|type|sort|further|other|further|annoying|random|daily)"
)
_THINGS = (
    r"(texts?|texting|messages?|messaging|notifications?|alerts?|reminders?|updates?|ads?|promos?|promotions?"
    r"|marketing|spam|stuff|crap|shit|bullshit|bs|junk|nonsense|offers?|newsletters?|communications?|notices?"
    r"|these|this|them|anything|contact|blasts?)"
)
_LISTS = (
    r"(lists?|database|system|contacts?|records|subscription|text thread|group text|thread|program|service)"
)
_KIND = (
    r"(mailing|texting|text|texts|message|messages|messaging|sms|contact|contacts|call|calling|phone|marketing"
    r"|distribution|email|e mail|spam|stupid|subscriber|subscribers|customer|promotional|whole|entire)"
)
_END = (
    r"(?=$| ,| (and|or|i|im|ive|you|your|this|it|its|thanks|again|anymore|ever|because|cuz|cause|forever|period"
    r"|from now|about|since|every|all|as|who|wrong|lol|man|bro|dude|lady|people|guys|or else|at this number"
    r"|on this number|to this number|to me|to this phone|from you|here)\b)"
)

_UNSEEN = "".join(
    f"(?<!{word} )"
    for word in "get got getting receive received receiving see are were was is have had been why".split()
)
"""Not after these: "I get no texts" is a complaint."""

SURE: tuple[str, ...] = (
    rf"(stop|quit|cease|discontinue) (with )?{_TELLING}( up)?( and {_TELLING})? ({_ME})",
    rf"(stop|quit|cease|discontinue) ({_TELLING}|communication|contact|sending$){_END}",
    rf"(stop|quit|cease|discontinue) (sending|getting|receiving|with) ((me|us|out) )?({_SORT} )*{_THINGS}{_END}",
    rf"(stop|cancel|end|quit|cease|discontinue) ({_SORT} )*(communications?|texts|text messages|messages|messaging|texting|notifications"
    rf"|alerts|spam|marketing|texts? alerts|subscription to ({_SORT} )*{_THINGS}){_END}",
    r"(cancel|end) subscription$",
    rf"(?<!(?<!told )you )(dont|never|no longer) (ever )?(be )?{_TELL}( (or|and|nor) (call|{_TELL}))* ({_ME})(?! (the|a|my|your|back|any \w+ (about|before))\b)",
    rf"(dont|never) (ever )?(call or text|text or call|call and text|call nor text)( {_ME})?",
    rf"(dont|never) (ever )?(call) {_ME} (anymore|again|ever)",
    rf"(dont|never) (ever )?{_TELL}( (or|and) (call|{_TELL}))* (anymore|again)",
    rf"(dont|never) (ever )?send ((me|us) )?({_SORT} )*{_THINGS}{_END}",
    r"^(ok |hi |hello |hey |sorry |again |said )*(, )?(dont|no) (contact|texting|text|texts|messages|messaging|solicitations?|soliciting)( thanks)?$",
    rf"(take|get|keep|cut|pull|leave|drop|scratch|bump|knock) (me|us|it|(my|this|our|the) (phone |cell )?(number|name|phone|cell))( the \w+)? off( of)? ((your|this|the|that|all|any|these) )+({_KIND} )*({_LISTS}|texts|messages)",
    r"(take|get) (me|us|my (phone )?number|this number) off$",
    rf"(take|get) (me|us) out( of| from)? (your|this|the) ({_KIND} )*{_LISTS}",
    rf"(remove|delete|erase|unlist|drop|exclude) (me|us|(my|this|our) (phone |cell )?(number|phone|cell|contact))"
    rf"($| ,|( and \w+ \w+)? from ((your|this|the|that|all|any|these|future) )*({_KIND} )*({_LISTS}|texts|messages|phone)|{_END})",
    rf"(remove|delete|drop|take) (it|my name|our name|him|her|them|this) (from|off)( of)? (your|this) ({_KIND} )*{_LISTS}",
    r"^(text|reply|send) stop$",
    rf"^remove from ((your|this|the) )*({_KIND} )*lists?",
    r"(^|favor de )no (escribir|mandar|enviar|contactar|textear|molestar)(me|nos)?(?= mas| mensajes| textos| ,|$)",
    r"(texting|messaging|contacting|bothering|spamming|harassing) (me|us) stop$",
    r"(lose|forget) (my|this) (phone )?number",
    r"leave (me|us) (the fuck |tf )?alone",
    rf"{_UNSEEN}(no more|no further) ({_SORT} )*(texts?|messages?|texting|messaging|contact|notifications|spam|communications?){_END}",
    rf"((i|we|id) (really |do |also |hereby |still |would )*)?(dont|no longer|not|didnt) (want|wish|need|care|like)( to)? ((receive|get|getting|see|have|receiving|keep getting|be getting|be receiving|hear) )?({_SORT} )*(texts?|messages?|text messages|notifications?|spam|communications?|sms|contact)( from (you|your \w+|this number|this company))?{_END}",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(dont|no longer) (want|wish|like)( you)? to (be (contacted|texted|messaged|bothered)|hear from you|(text|message|contact) me)",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?want (out of|off) (this|your|the|these) (\w+ )?(list|texts|messages|program)",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(revoke|withdraw|rescind|retract) (my |all |any )*(consent|permission|authorization)",
    rf"((i|we|id) (really |do |also |hereby |still |would )*)?(dont|no longer|never) (consent|agree|authorize)( you)? to ((be|being|receive|receiving|get|getting|any|these|your|the|this) )*({_TELL}(ed)?|{_TELLING}|texts|messages|contacted|texted)",
    r"(you (dont have|no longer have)|(i|we) (dont|never|didnt) (give|gave)( you)?) ((my|any) )?(permission|consent) to (text|contact|message|call)",
    r"unsubscribe( (me|us|my number|this number|from|for me|to)\b|$| ,| i\b| and\b| or\b)",
    r"unsubscribe from",
    rf"((?<!can )(?<!could )(?<!may )(?<!do )(?<!should )(i|we) |im |id like to )?opt(ing)? (me )?out( of (({_SORT}|receiving|getting) )*({_THINGS}|list))?( me)?{_END}",
    r"opt me out",
    r"(put|add|place) (me|us|my number|this number) (on|to|in) ((your|the|a|that) )?(dont|no) (contact|call|text)",
    r"cease and desist",
    r"(i )?(said|told you|asked you|telling you|texted|sent|replied|typed)( \w+)? (to )?stop$",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(want|need|like) (you|this texting|these texts|these messages|the texts|the messages) to stop$",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(want|like|need|wish) to (be (removed|taken off|unsubscribed|deleted)(?! from (the )?(wait|appoint|sched)))",
    # Spanish
    r"no (me|nos) (escrib|contact|text|molest|busqu|hostig)(an|en|e|a|es|as|ais|een|ees|ee)\b(?! (el|la|los|las|un|una|lo)\b)",
    r"no (me|nos) (mand|envi)(en|e|es|eis)\b( ya)?( mas| nunca| nada| esto| estos| esas?| sus| tantos| otro)*( (mensajes|texts?|textos|publicidad|promociones|notificaciones|propaganda|spam|anuncios|recordatorios|cosas))?(?=$| ,| a este| a mi| y | ni | que )",
    r"no ((me|nos|lo|le) )?vuelv\w+ a (mand|envi|escrib|contact|text|molest|llam|busc)\w*",
    r"no (escriban|escriba|escribas|manden|mande|mandes|envien|envie|contacten|contacte|llamen) (mas|mensajes|textos|nada)\b",
    r"(basta de|detener|detengan|alto a|fin a) ((los|sus|estos|tantos|mas) )?(mensajes|textos|texts|notificaciones|spam)",
    r"me (quiero|quisiera|pueden|puede|gustaria) dar de baja(?=$| ,| de (su|la|esta|los|sus|estos))",
    r"no (me|nos) llam(en|e|es) (mas|ni|nunca|otra vez)",
    r"(deje|dejen|deja|dejar|paren|pare|parar|para|basta|cesen) (ya )?(de )(estar )?(mand|envi|escrib|contact|text|molest|llam|acos|hostig|spam)\w*( mas)?( (mensajes|textos|texts|cosas|publicidad|spam))?",
    r"(dejen|deje|deja)(me|nos)? (en paz|tranquil\w+|sol[oa])|dejame (en paz|tranquil\w+)|dejenme (en paz|tranquil\w+)|dejeme (en paz|tranquil\w+)",
    r"(ya )?no (quiero|deseo|queremos|quisiera) ((recibir|seguir recibiendo|ver|mas|que me (manden|envien|lleguen)|tener|sus|estos|tus|esos|los) )*(mensajes|textos|texts|notificaciones|publicidad|promociones|propaganda|spam|anuncios)(?=$| ,| de (uste|su|tu|esta)| suyos| por )",
    r"no (quiero|deseo) que me (escrib|contact|text|molest|llam|busqu|mand|envi)\w+",
    r"no (autorizo|doy (mi )?(permiso|consentimiento))",
    r"(revoco|retiro) mi (consentimiento|permiso|autorizacion)",
    r"(dar(me|nos)|den(me|nos)|de(me|nos)|da(me|nos)|doy) de baja(?=$| ,| de (su|la|esta|tu|los|sus|estos|las) (lista|mensajes|textos|base|suscripcion|notificaciones)| con| para no| ya)",
    r"(quiero|solicito|pido) (la |mi )?baja(?=$| ,| de (su|la|esta) lista)",
    r"(cancelar|anular|cancelen|cancele|cancela|terminar) (la |mi |esta |los |estos |sus )*(suscripcion|mensajes|textos|notificaciones)(?=$| ,| a (los|sus|estos)? ?mensajes| de mensajes)",
    r"(quit|sac|saqu|borr|elimin|remuev|retir|suprim)\w* (me |mi (numero|telefono|celular|contacto) )?(de|d) (su|sus|la|esta|tu|las|el) (lista|base|sistema|registros?|contactos|grupo)\w*",
    r"(borr|elimin|quit|olvid|suprim)\w* mi (numero|telefono|celular)(?=$| ,| de )",
    r"no mas (mensajes|textos|texts|publicidad|spam|notificaciones|promociones)",
    r"no (molestar|molesten|moleste|molestes)( mas)?(?=$| ,)",
    r"(desuscrib|desinscrib|desafili|desvincul)(irme|eme|anme|ame|eme|ir|enme)",
    r"(dije|dicho|pedi|ped\w+) (que )?(alto|basta|paren|pare|stop)$",
)

MAYBE: tuple[str, ...] = (
    rf"(stop|quit|cease) {_TELLING}(?! (and|while) driv)(?! back)",
    r"(stop|quit) (sending|with) (me|us|these|this|the)\b",
    r"^quit (it|this|that)$|^(stop|enough)( (it|this|that|all|everything|you))?( (lol|haha|omg))?$",
    r"^(enough|enough is enough)$|^thats enough$",
    r"(^|(?<=, ))(im |were |we are |am |sorry |really |still )*(not|no longer|never) interested( (anymore|thanks|at this time|at all|in this|in (your|this) (offer|service|services|offers)|sorry|bye|guys|any longer))*( ,.*)?$",
    r"^(?!is (this|that|it)\b)(sorry |hi |i think |you |youve |have |got |has |the |this |is |a |your |its |texting |number |im |u |guys |people |think , |, )*wrong (number|person)( (sorry|bro|dude|man|lol|thanks))*(?= ,|$)",
    r"^(go away|get lost|fuck off|fuck you|f off|piss off|screw you|buzz off|no more$|not anymore|shut up|stfu)\b(?! \w+ \w+ \w+)",
    rf"how (do|can|would|to)( (i|we|you))? ((make|get) (you|this|these|it|them|the texts|these texts) )?(to )?(stop (({_SORT} )*{_THINGS}|getting|receiving|you|it$)|stop$|unsubscribe|opt out|get off|cancel (these|the) (texts|messages)|be removed|remove (me|my number)|get (taken |removed )?(off|from))",
    r"(can|may|could|do|should|would) (i|we) (need to |have to |please )?(unsubscribe|opt out(?! of (the|that|my|a)\b)|be removed from (your|this)|get off (of )?(your|this))",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(want|like|need|trying|tried|going|wish) to (unsubscribe|opt out)",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(never|didnt|did not|dont remember|not) (sign|signed|signing|subscribe|subscribed|opt|opted|agree|agreed|ask|asked|consent|consented|request|requested) ((up|in|to|for) )*(this|these|your|any|you|receive|get|be)\b",
    r"^(this is |thats |its |reporting |reported |report )*(as )*(spam|a scam|harassment)$|\b(reported|reporting|report) (\w+ )?(as spam|to (the )?(fcc|ftc|attorney))|^(im |you are |youre |your |number |i |have |been |will |be )*(blocking|blocked|block)( (you|this number|your number|this))?$",
    r"(stop|quit|cease|discontinue|halt|end|no more|dont send|without|sick of|tired of|enough)( \w+){0,4} (texts|text messages|messages|texting|messaging|notifications|spam)\b(?! for my)",
    r"(me|us|number|name) (off|from)( of)? (your|this) (\w+ )?list\b",
    r"\bunsubscribe\b|\bopt(ing)? (me )?out$",
    r"stop the (reminders|alerts|texts|spam)\b",
    r"i will (report|block) (you|this number)|i will sue",
    r"im (going to )?(block|blocking|report|reporting) (you|this|your)",
    r"(?<!(?<!told )you )(dont|never) (text|message|contact|bother|write|email)( (me|us))?\b(?! (me|us|back|the|if|my|and driv\w+)\b)",
    r"^(dont|never) call (me|us)( thanks)?$",
    r"^dont (call|text) ,? ?((just|only|email|write) )*(call|email)\b",
    r"(im|my number is|this number is|am) on (the )?(national |federal )?(dont|no) (call|contact)",
    r"(delete|erase|remove) (all )?my (info|information|data|details|personal \w+)$",
    r"(cancel|end) (my |the |this |all |these )*(subscription|everything|all|conversation|chat|communication|alerts)$|^(cancel|end) (all|everything|this|service)$",
    r"^(cancel|remove)( (thanks|ok))?$",
    r"^(dont|no longer) (consent|agree)$|^i (dont|no longer) consent$",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(dont|no longer|not) (want|wish)( to)? ((receive|get|hear) )?(any |these |your |more )*(texts?|messages?|calls)\b",
    r"who (gave|sold) you my number|where did you get my number|how did you get (my|this) number",
    r"^(too many (texts|messages))",
    r"^stop (to|2) (end|stop|opt out|unsubscribe|quit|cancel)$",
    r"(who is this|who are you|who dis|wrong number|interested|out of here|no thanks|no|anymore|please) stop$",
    r"^lawyer up|sue you( guys)?$",
    r"((i|we|id) (really |do |also |hereby |still |would )*)?(want|like|need) (this|it) to stop$|^make (it|this) stop (texting|messaging)",
    # Spanish
    r"^(ya )?no ((me|nos) interesa|estoy interesad[oa]|estamos interesad[oa]s)( (la|su|esta) (oferta|promocion))?( (gracias|thanks|ya|nada))*( ,.*)?$",
    r"numero equivocado|se equivoc\w+ de (numero|persona)|persona equivocada",
    r"^(ya no|no mas|ya no quiero( nada)?|ya no gracias|largo|vayanse|vete|suficiente|cancelar|cancelen)$",
    r"(dar(me|nos)|den(me|nos)|dame|deme) de baja",
    r"no (me|nos) (llam(en|e|es)|mand(en|e|es)|envi(en|e|es))\b(?! (el|la|los|las|un|una|al|lo|a (otro|otra))\b)",
    r"(como|donde|puedo) (puedo |me )*(cancelo|cancelar|doy de baja|desuscrib\w+|dar(me)? de baja|dejar de recibir)(?=$| (los|estos|de|la suscripcion|mensajes|recibir))",
    r"(los|te|les|lo) voy a (bloquear|reportar|denunciar)|(bloquear|reportar|denunciar)(los|lo|te|les)\b|^(es |esto es )?(spam|acoso|estafa)$",
)

START: tuple[str, ...] = (
    r"^(ok |yes |can |could |you |i |want |to |and |again |go ahead ,? ?|feel free to |its ok to |id like )*(start|resume|restart|continue|begin|turn on|reactivate|re enable|renew)( (sending|getting|receiving|back|up|on|me))* ?(me )?((the|my|your|these|those) )?(texts?|texting|messages?|messaging|text messages|notifications|alerts|reminders|updates|subscription)( me)?( (again|back))?$",
    r"^(ok |yes |you |can |could |may |i want you to |start |its ok to |feel free to )*(text|texting|message|messaging|contact) (me|us) again$",
    r"^(i |want |to |would |like |can |you |id |yes |could |we )*(re ?subscribe|subscribe|opt (me |us )?(back )?in|opt in)( (me|us))?( (back|again|in))*( (to|for) ((the|your|these|texts?|text) )*(texts?|messages?|alerts|updates|list|reminders|notifications))?$",
    r"(sign|add|put) me (back )?(up|on|in)( (again|back))?( (for|to|on) ((the|your|text|texts|all) )*(texts?|messages?|alerts|updates|list|reminders|notifications))$",
    r"^(im opting|opting) (back )?in$",
    r"^(add|put|place) (me|us) back (in|on|to|into)( (the|your))?( (text|texting|mailing|sms))? list$",
    r"^start again$",
    r"(quiero|quisiera|pueden|puede|puedes|si)?( quiero| que)? ?(dar(me)?|den(me)|deme|dame) de alta$",
    r"^(quiero |si |pueden |puede |por )*(volver a |reanudar|reactivar|empezar a |seguir )(recib\w+|los|mis|sus|mandar\w*|enviar\w*|escribir\w*)?( (los|mis|sus))?( mensajes| textos| notificaciones| texts)( otra vez| de nuevo)?$",
    r"^(escriban|escriba|manden|envien)me (mensajes )?(otra vez|de nuevo|nuevamente)$",
    r"^(quiero |deseo |me quiero )*(suscribir(me)?|inscribirme)( (otra vez|de nuevo|a (los|sus) mensajes))?$",
)

ALLOWED_BEFORE = (
    r"((can|could|would|will|wont|cant|wouldnt|couldnt) (you|someone|somebody|anyone|yall|they)( guys| all| people| not)?"
    r"|\b(told|tell|telling|asked|asking|hey|know|hate|beg|begging|said to|im telling) (you|them)( guys| all| people)?( (to|that))?"
    r"|\b(want|need|needs|like|ask|asked|asking|told|tell|telling|beg|begging|prefer) (you|yall|them|your \w+|this \w+)( guys| all| people)? to"
    r"|\byou (guys |all |people )?(need to|have to|must|should|better|ought to|gotta|all|guys|people)"
    r"|\b(want|like|wish|need|prefer|asking|ask|asked|request|requesting|love|id like|choose|demand) to"
    r"|\bim going to say|make (it|this|them))$"
)
DENIED_BEFORE = (
    r"\b(dont|didnt|doesnt|never|not|wouldnt|no need|nor) (\w+ )?(want|need|mean|ask|like|wish|tell|told|have|intend"
    r"|plan|going|trying|try|asked|wanted|meant)( \w+){0,2} to$"
)
REFUSED_BEFORE = (
    r"(" + DENIED_BEFORE[:-1] + r"\b"
    r"|\b(didnt|dont|never|not) (mean|say|said|type|text|send|write)( to| to say)?"
    r"|\b(dont|didnt|doesnt|never|not|wont|cant|couldnt|wouldnt|isnt|without|non|nonstop|cannot|nunca)"
    r"|\bno"
    r"|\b(i|we|he|she|they|ill|id|well|theyll|hell|shell|i will|we will|will i|should i|do i|did i|i would|i might|i may|i can)"
    r"|\b(i|we|he|she|they|it|who|that) (will|would|might|may|can|could|should|had|have|did)"
    r"|\b(did|have|had|do|if|when|why|since|because|before|until|once|that|after|unless|are|were|should|as|while) (you|your \w+)( guys| all| ever)?"
    r"|\b(him|her|them|it|he|she|going|able|how|were|was|is|be|used|supposed|forgot|forget|time|bus|pit|truck|whistle|one) to"
    r"|\b(if|why|when|before|until|unless|a|an|the|bus|one|pit|full)"
    r"|\b(do|should|must|would|can|could|may|did|will) (i|we)( \w+){0,2}|\b(como|donde|cuando)( me)?)$"
)
"""What stands right before a phrase and turns it around: "don't stop texting me", "why did you stop …"."""

SOFTENED_AFTER = (
    r"^( ,)? (until|till|before (?!i )|after|at (night|work|home|\d)|so (early|late|much|often|many)|so fast"
    r"|during|while|when|unless|except|if|this (early|late)|too (early|late)|tonight|today|tomorrow"
    r"|in the (morning|evening|middle)|in (english|spanish|ingles|espanol)|on (my |the )?(weekend|sunday|saturday|monday|holiday)\w*"
    r"|for now|for (a|the) (while|day|week|moment)|(you can |you could |can you |i prefer |i d rather |rather )?(call|email|e mail|phone|ring|whatsapp|contact) (me|us|my|instead|only|at)"
    r"|instead|only (call|email)|use my|use this|use the other|text (my|me at|the other)|back|every (hour|five|minute|\d)"
    r"|(more than|twice|multiple|several|over and over|from (two|different|multiple))"
    r"|hasta|antes de|despues de|tan (tarde|temprano|seguido)|por (la (noche|manana)|ahora|hoy)|en la noche|en ingles|si no|mejor llam\w+|llam(ame|eme|enme)|cuando|durante)\b"
)
"""What stands right after a phrase and makes it a wish about when or how, not about whether."""

BY_MISTAKE = (
    r"\b(by (mistake|accident)|accidentally|accidental|accidently|on accident|didnt mean (to|it)|my mistake"
    r"|por (error|accidente|equivocacion)|sin querer)\b"
)

BENIGN_STOP = (
    r"^stop (by|in|at|over|off|for|and|on|the|a|light|sign|to|near|when|if|what|worrying|crying|me|there|here|payment"
    r"|loss|order|limit|gap|watch|motion|work|wasting|lying|playing|joking|smoking|drinking|taking|using|loss|orders|losses)\b"
)

QUOTED = r"(?m)^\s*>.*$|^\s*(sent from|enviado desde) m[iy] [\w ]{2,30}\s*$|^on .{5,80} wrote:\s*$[\s\S]*"
"""Somebody else's words, or the handset's."""

FOOTER = (
    r"\bto (stop|unsubscribe|opt out|end|cancel)( \w+){0,5} ,? ?(reply|text|send) (with )?(stop|end|quit)( to \d+)?"
    r"|\b(reply|replying|text|texting|send|responda|responde|envie|conteste) (with )?(stop|alto|baja|end|help|start)( to \d+)?"
    r" (to|2|para|and|or)( (opt out|unsubscribe|end|cancel|quit|stop|cancelar|terminar|no recibir mas))?( (messages|texts|mensajes))?"
)
"""Our own instruction, quoted back to us."""

REACTION = (
    r"(?is)^(liked|loved|disliked|laughed at|emphasi[sz]ed|questioned|removed an? \w+ from|reacted \S+ to|.{1,6} (to|a)"
    r"|le (gust[oó]|encant[oó]|dio risa|hizo gracia|puso \S+ a)|a .{1,30} le (gust[oó]|encant[oó])) [“\"«].*"
)
"""An iPhone's or Android's reaction to a message of ours arrives as text that quotes it, footer and all."""

SIGNS: tuple[str, ...] = tuple(
    # one of those that end us
    "quit cease discontinu halt enough cancel remove remuev delete erase unlist drop exclu taken off outof meout usout"
    # what they end
    " text txt messag mesag messeg messg msg mms sms msj mjs mensaj mensag communic notif alert reminder update scri"
    " promo public propaganda anuncio recordatorio contact call writ send bother harass email spam annoy list"
    " database system base sistema registro grupo"
    # how they say it
    " agree sign opt unsub unsus consent permi authoriz autoriz request ask solicit nomore nofurther anymore hearfrom"
    " alone mynumber thisnumber myphone thisphone interest wrong goaway getlost fuck foff piss screw buzz shutup stfu"
    " getfrom report block scam lawyer willsue sueyou signme addme putme meback usback fromyour fromthis ofyour ofthis"
    # in Spanish
    " molest busq busc hostig mand envi llam acos basta alto pare parar deten baja dealta enpaz tranquil deje deja"
    " borr elimin retir suprim minumero mitelefono micelular desafili desvincul interesa equivoc yano nomas largo"
    " vayanse vete suficiente recibir bloque denunci estafa".split()
)
"""Whatever asks for anything holds one of these or one of the words above: its letters alone, written together.
Most messages hold none, and looking for them costs a tenth of reading the message."""
