package organisation

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"provisor.dev/provisor/value"
)

// domain is where everybody's mail goes; the ending is reserved for examples.
const domain = "northgate.example"

// A namer gives names as they occur, some often and most seldom, and counts who
// shares them: addresses and logins get a number where a namesake had them before.
// Its memory is a table of fixed size.
type namer struct {
	firsts, lasts []name
	emails        []uint32 // by first name, last name and which second last name
	logins        []uint32 // by initial and last name
}

// A name with what is left of it in an address.
type name struct{ text, plain string }

// doubles is how many last names each may be joined to; 0 stands for none.
const doubles = 9

func newNamer(seed int64) *namer {
	n := &namer{firsts: namesOf(firstNames, seed, 11), lasts: namesOf(lastNames, seed, 12)}
	n.emails = make([]uint32, len(n.firsts)*len(n.lasts)*doubles)
	n.logins = make([]uint32, ('z'-'a'+1)*len(n.lasts))
	return n
}

// namesOf splits a list and shuffles it: another seed, other frequent names.
func namesOf(list string, seed, stream int64) []name {
	var names []name
	for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '\n' }) {
		names = append(names, name{text, plain(text)})
	}
	rng := rand.New(rand.NewPCG(uint64(seed), uint64(stream))) // #nosec G115 G404 -- the same seed makes the same names
	rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// plain keeps the letters that an address may have.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, strings.ToLower(value.Fold(text)))
}

// often draws a place of n so that the first ones come often.
func often(rng *rand.Rand, n int) int { return rng.IntN(rng.IntN(n) + 1) }

// name fills in the names, the address and the login.
func (n *namer) name(rng *rand.Rand, p *Person) {
	first, last, second := often(rng, len(n.firsts)), often(rng, len(n.lasts)), 0
	if rng.IntN(8) == 0 {
		second = 1 + rng.IntN(doubles-1)
	}
	f, l := n.firsts[first], n.lasts[last]
	p.FirstName, p.LastName = f.text, l.text
	local := f.plain + "." + l.plain
	if second > 0 {
		other := n.lasts[(last+second)%len(n.lasts)]
		p.LastName += "-" + other.text
		local += "-" + other.plain
	}
	p.Email = local + again(&n.emails[(first*len(n.lasts)+last)*doubles+second]) + "@" + domain
	p.Login = f.plain[:1] + l.plain + again(&n.logins[int(f.plain[0]-'a')*len(n.lasts)+last])
}

// again counts and returns the number that tells a namesake apart.
func again(count *uint32) string {
	*count++
	if *count == 1 {
		return ""
	}
	return strconv.Itoa(int(*count))
}

// firstNames are distinct when accents and case are left out; so are lastNames.
const firstNames = `
Ana,Åsa,Adam,Amélie,Andrzej,Aylin,Aoife,Anna,Ahmed,Ágnes,Bartosz,Beatriz,Björn,Birgit,Benoît,Bruno,Brigitte,Başak,
Célia,Carlos,Clara,Chloé,Cem,Ciarán,Camille,Christian,Daniel,Dörte,Diana,Dominik,Dilek,Đorđe,David,Deborah,Élodie,Emil,Eva,
Eduardo,Ewa,Emre,Elena,Enrique,Filip,Fátima,Florian,Françoise,Finn,Francesca,Fernando,Gabriela,Goran,Greta,Gérard,Giulia,Gustav,
Hanna,Hélène,Henrik,Hugo,Hedda,Hüseyin,Helena,Inês,Igor,Ingrid,Isabel,Ivana,İbrahim,João,Jakub,Jürgen,Johanna,Jana,Julie,José,Jack,
Katarzyna,Kjell,Karin,Kévin,Kenji,Kateřina,Lena,Luís,Laura,Léa,Lars,Lucía,Łukasz,Linh,Magda,Márcio,Martin,Mélanie,Marek,Maria,
Michael,Mehmet,Małgorzata,Miriam,Nadia,Noël,Nils,Natália,Nora,Niamh,Nikos,Olga,Öykü,Oskar,Olivier,Ondřej,Pedro,Pernille,Paul,Petra,
Piotr,Paola,Pål,Rafael,Renée,Ruth,Rui,Rainer,Ramón,Robert,Sofia,Sébastien,Šárka,Stefan,Svetlana,Søren,Sinéad,Şule,Tiago,Thérèse,
Tomasz,Tanja,Torsten,Trinh,Tomáš,Ulrike,Ugo,Uwe,Valérie,Vítor,Vera,Viktor,Václav,Wanda,Willem,Wiebke,Wojciech,Xavier,Ximena,
Yves,Yasmin,Yannick,Yiğit,Zofia,Zoé,Zdeněk,Željko`

const lastNames = `
Abreu,Adler,Aguiar,Albrecht,Almeida,Amundsen,Andrade,Arnaud,Aubert,Aydin,Bachmann,Bąk,Baranowska,Barbosa,Bauer,Ågren,Álvarez,Árvai,Åkesson
Becker,Bélanger,Berger,Bernard,Bialek,Blanc,Blum,Bonnet,Borges,Bosch,Böhm,Brandt,Braun,Brun,Büchner,Caron,Carvalho,Byrne,Bjørnstad,Benešová
Castro,Çelik,Chevalier,Clément,Coelho,Cordeiro,Correia,Costa,Czerny,Dąbrowska,Dahl,Daniels,Delacroix,Demir,de la Cruz,D'Angelo,De Smet,Čermák
Denis,Dias,Dietrich,Domingues,Dubois,Dufour,Dupont,Durand,Duarte,Ebert,Eide,Eklund,Engel,Esteves,Fabre,Falk,Doğan,Dvořák,Erdoğdu,Escobar,Fjällström
Faria,Faure,Fernandes,Ferreira,Fiedler,Fischer,Fleury,Fonseca,Fontaine,Forsberg,Fournier,Frank,Freitas,Friedrich,Fitzgerald,Ferrari,Fekete
Gajewski,Garnier,Gauthier,Geiger,Girard,Gomes,Gonçalves,Gorski,Graf,Granger,Grimm,Grünwald,Guérin,Gustafsson,Haas,García,Güneş,Groß,Gallagher
Hagen,Hartmann,Haugen,Heinrich,Henriques,Hermann,Hoffmann,Holm,Horváth,Huber,Hübner,Iversen,Jacquet,Jäger,Jankowska,Jansen,Hernández,Håkansson,Ibáñez
Johansson,Joly,Jung,Kaczmarek,Kaiser,Kamiński,Karlsen,Kaya,Keller,Klein,Knudsen,Köhler,König,Kowalska,Kozak,Kraft,Jiménez,Jørgensen,Kovács,Konečný
Krämer,Krause,Kubiak,Kühn,Lacroix,Lambert,Lang,Larsen,Laurent,Leclerc,Lefèvre,Legrand,Leroy,Lewandowska,Lima,Lindberg,Kılıç,Łukasiewicz,Lê,López
Lorenz,Lund,Lévêque,Machado,Maier,Marchand,Marques,Martins,Masson,Mazur,Meier,Melo,Mendes,Mercier,Meyer,Michalak,Mahony,McCarthy,Muñoz,Månsson
Moen,Monteiro,Moreau,Moreira,Morel,Morin,Moser,Moulin,Müller,Nascimento,Neumann,Neves,Nguyễn,Nielsen,Noack,Noël,Novák,Molnár,Murphy,Němec,Núñez
Nowak,Nunes,Nyström,Oliveira,Olsen,Otto,Özdemir,Pacheco,Pawlak,Pereira,Perrin,Petit,Picard,Pinheiro,Pinto,Pires,Polat,O'Brien,O'Connor,Ørsted,Öztürk
Prévost,Quiroga,Ramos,Rebelo,Reis,Renard,Ribeiro,Richter,Rocha,Roche,Rodrigues,Rolland,Romero,Rousseau,Roux,Sá,Sahin,Santos,Papadopoulos,Phạm,Ramírez,Rossi
Sauer,Schäfer,Schmidt,Schneider,Schröder,Schubert,Schulte,Seidel,Silva,Simon,Şimşek,Soares,Sobczak,Solberg,Sommer,Sousa,Sánchez,Smith,Svobodová,Szabó,Sørensen
Stein,Strand,Svensson,Szymański,Tavares,Teixeira,Thiele,Thomas,Tkaczyk,Torres,Ulrich,Urban,Vasseur,Vaz,Vidal,Vieira,Strauß,Tóth,Trần,Thorsen,Vågen
Vogel,Vogt,Wagner,Walter,Weber,Weiler,Werner,Wieczorek,Winkler,Winter,Wójcik,Wolff,Wróbel,Yilmaz,Zając,Ziegler,Zimmermann,van den Berg,von Arnim,Walsh,Weiß,Žižka,Zúñiga`
